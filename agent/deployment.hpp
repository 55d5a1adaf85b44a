// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/host_plan.hpp"
#include "agent/turns.hpp"
#include "agent/way_back.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// What the controller (or a local root) ordered.
struct Order {
  std::string transaction;
  std::string holder;
  Turn turn;                      // of the conversation that it came in
  std::vector<ProbeSpec> probes;  // besides the host's own
  bool leaves_stranded = false;   // may begin on a stranded host: another way out than its way back
  bool disk_is_full = false;      // nothing may be written that can be done without
  bool probes_decide = true;      // false: a failing probe is told and stops nothing (the way back)
  std::chrono::milliseconds deadline{
      std::chrono::minutes(5)};  // switch to proof; and again for the way back
};

/// One transaction being carried out: performs the steps of steps.hpp one after the other, the
/// journal before each. A step that throws has gone wrong; its message is the cause. Not
/// thread-safe.
class Deployment {
public:
  Deployment(TransactionParts parts, Order order, HostPlan plan);

  /// From Stage until Trial, or an end. `incoming`: what was received; may be nullptr.
  Step deploy(const Incoming* incoming, const ProgressSink& progress);
  /// From Trial on: makes it the confirmed generation if it still stands up, else goes back.
  Step commit(const ProgressSink& progress);
  /// From Trial on: takes it back, because of `cause`, which is or is not the generation's fault.
  enum class Fault { Generation, Other };
  Step revert(const std::string& cause, Fault fault, const ProgressSink& progress);
  /// Whether what is in trial still holds: an empty string, or what doesn't. One look, one try of
  /// each probe.
  std::string trouble();
  /// Whose fault that trouble is: other than the generation's where a person edited kong.conf or
  /// restarted Kong.
  Fault fault() const { return fault_; }

  /// Whether the generation itself failed here: Kong could not load it, or it was taken back for
  /// what it did. Not so when it was taken back for another reason.
  bool condemned() const { return condemned_; }

  const Outcome& outcome() const { return outcome_; }
  const Order& order() const { return order_; }
  const HostPlan& plan() const { return plan_; }

private:
  using Clock = std::chrono::steady_clock;
  Step run(Step from, Step until);
  void look_for_others_fault();
  ProbeOutcome ask(ProbeSpec probe, Clock::time_point deadline);
  ProbeOutcome look_once(ProbeSpec probe);
  Step begin_trial();
  Went perform(Step step);
  void stage();
  void preflight();
  void switch_conf();
  void reload();
  void verify();
  void commit_now();
  bool is_stopping();
  std::vector<ProbeSpec> all_probes() const;
  std::string why_it_fails(const ProbeOutcome& probe);
  void probe_all();
  std::vector<Finding> smoke_objections();
  void remember(Step step);
  void refuse();
  std::vector<Finding> load_by_kong();
  Expectation expectation() const;
  std::chrono::milliseconds way_back_time() const;

  TransactionParts parts_;
  Order order_;
  HostPlan plan_;
  LiveFile conf_;
  Outcome outcome_;
  Snapshot before_;
  std::vector<std::pair<std::string, std::string>> versions_;  // that must serve
  const Incoming* incoming_ = nullptr;
  bool built_ = false;                   // the generation's directory is ours to remove
  bool condemned_ = false;               // see condemned()
  bool undecided_ = false;               // what failed was no verdict on the generation
  std::optional<ProbeSpec> unanswered_;  // the probe that failed, where nobody answered it
  std::optional<OpenRecord> stranded_;   // what this transaction stands in for
  bool away_ = false;                    // Kong is down, and goes back when it starts
  Fault fault_ = Fault::Generation;
  ProgressSink progress_;
  Clock::time_point deadline_;
};

}  // namespace kongfleet::agent
