// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/checkup.hpp"
#include "agent/deployment.hpp"
#include "agent/history.hpp"
#include "agent/poison.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>

namespace kongfleet::agent {

/// The agent will not do what was asked; nothing was changed.
struct Refusal {
  std::string code;  // "busy", "changed", "no-transaction", "stranded", "superseded", "bad-request"
  std::string text;
  std::optional<OpenState> holder;
};

/// All that happens to this host goes through here, one transaction at a time. Thread-safe: every
/// conversation has its own thread. A trial is watched by a thread of this object, which takes it
/// back when it stops being healthy or its lease runs out.
class Transactions {
public:
  /// Opens the journal. Call recover() before anything else. `retry_after`: when a way back that
  /// failed is tried again by itself; doubled from time to time, eight times in all.
  Transactions(const Config& config, Gateway& gateway,
               std::chrono::milliseconds retry_after = std::chrono::seconds(30));
  ~Transactions();
  Transactions(const Transactions&) = delete;
  Transactions& operator=(const Transactions&) = delete;

  /// Called now, and from now on whenever that may have changed, with what is open here; by
  /// whichever thread changed it. To be said before recover().
  using OnOpen = std::function<void(const std::optional<OpenState>&)>;
  void tell_of_open(OnOpen told) {
    on_open_ = std::move(told);
    on_open_(open_state());
  }

  /// Resolves what an agent that died left open: back to the confirmed generation. What it did, or
  /// Unchanged.
  Outcome recover(Witness witness);

  HostState state();
  /// Looks at the whole host, and changes nothing. `plugins`: those that are to run here.
  std::vector<Check> check_up(const std::set<std::string>& plugins);
  /// Who this agent is (agent/host_identity.hpp).
  std::string identity() const;
  /// The confirmed generation's digest (hex); that of no releases for the baseline.
  std::string current_digest() const;
  std::vector<std::string> history(std::size_t limit) const { return history_.last(limit); }

  /// A conversation of that rollout begins: what comes in those before it is refused from here on,
  /// as "superseded" (agent/turns.hpp).
  Turn greet(const std::string& rollout) { return turns_.take(rollout); }
  /// It has ended.
  void part(const Turn& turn) { turns_.give_back(turn); }

  /// Plans a move; nothing changes. Throws Error where this host can't be managed.
  HostPlan plan(Proposal proposal);
  HostPlan plan_return(std::optional<std::uint64_t> generation);
  std::unique_ptr<Incoming> receive(const std::string& tag) const { return store_.receive(tag); }

  using Reply = std::variant<Outcome, Refusal>;
  /// Carries a plan out up to its trial, which then lasts for `lease`. Asked again with a known
  /// transaction: its outcome.
  Reply apply(Order order, HostPlan plan, const Incoming* incoming, std::chrono::milliseconds lease,
              const ProgressSink& progress);
  /// Carries a plan out and confirms it at once: for the way back that an operator orders.
  Reply apply_at_once(Order order, HostPlan plan, const ProgressSink& progress);
  /// How a transaction that was asked for before stands or ended; nothing for one never heard of.
  std::optional<Reply> known(const std::string& transaction);
  /// Tries the way back of a stranded host once more. Nothing when it isn't stranded, or when it
  /// is asked to go to another generation than that way leads to.
  std::optional<Reply> rescue(std::optional<std::uint64_t> to, const ProgressSink& progress);
  Reply confirm(const std::string& transaction, const ProgressSink& progress,
                const Turn& turn = {});
  Reply revert(const std::string& transaction, const std::string& reason,
               const ProgressSink& progress, const Turn& turn = {});
  Reply renew(const std::string& transaction, std::chrono::milliseconds lease,
              const Turn& turn = {});
  /// The agent is told to end: a trial is taken back, for nobody would be left to do it. What is
  /// under way is left to the next start, whose recovery is made for that.
  void retire();
  /// Deletes generations beyond those kept. Their numbers.
  std::vector<std::uint64_t> collect();

private:
  using Clock = std::chrono::steady_clock;
  struct Trial {
    std::unique_ptr<Deployment> deployment;
    std::uint64_t from = 0;
    Clock::time_point since;
    Clock::time_point lease;
    unsigned failures = 0;
  };
  // What is done while work_ is held; `work` says whether it is.
  Reply apply(const std::unique_lock<std::mutex>& work, Order order, HostPlan plan,
              const Incoming* incoming, std::chrono::milliseconds lease,
              const ProgressSink& progress);
  Reply confirm_now(const std::string& transaction, const ProgressSink& progress);
  std::optional<Reply> answer_known(const std::string& transaction);
  std::optional<Refusal> distrust_by_now(HostPlan& plan) const;
  std::optional<Refusal> not_now(const std::unique_lock<std::mutex>& work,
                                 bool leaves_stranded = false);
  Refusal no_such(const std::string& transaction) const;
  std::optional<OpenState> open_state() const;
  std::unique_lock<std::mutex> take_work();
  void publish();
  Outcome resolve_open(Witness witness, const ProgressSink& progress);
  void ended(const Deployment& deployment, std::uint64_t from);
  void watch();
  void look_after_trial();
  void retry_stranded();
  void clear_litter();
  void note_litter(bool left);
  void make_last() noexcept;
  void mend_history() noexcept;
  void adopt_named() noexcept;
  bool is_in_trial(const std::string& transaction) const;
  static Refusal superseded();
  Reply what_is_known(const std::string& transaction);
  Trial take_trial();
  void end_trial(const std::string& cause, Deployment::Fault fault);
  void take_back(const std::string& cause, Deployment::Fault fault, const ProgressSink& progress);
  void tidy_up() noexcept;
  std::vector<std::uint64_t> collect_now();

  const Config& config_;
  Gateway& gateway_;
  GenerationStore store_;
  Journal journal_;  // guarded by work_
  History history_;
  Host host_;
  Ballast ballast_;
  Poison poison_;
  Trust trust_;
  TransactionParts parts_;
  Turns turns_;

  std::mutex work_;              // held by whoever changes this host
  std::optional<Trial> trial_;   // guarded by work_
  std::optional<Outcome> last_;  // of the transaction that ended last; guarded by work_

  OnOpen on_open_;
  mutable std::mutex seen_;  // guards what is below: what others may see while work_ is held
  HostRecord record_;
  Clock::time_point open_since_{};
  std::optional<Clock::time_point> lease_;
  std::condition_variable wake_;
  bool stop_ = false;
  const std::chrono::milliseconds retry_after_;
  unsigned retries_ = 0;   // of a way back that failed; the watcher's
  bool litter_ = false;    // a smoke test left something in Kong
  bool clearing_ = false;  // that is being removed
  std::thread watcher_;
};

}  // namespace kongfleet::agent
