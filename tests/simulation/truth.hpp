// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/rollout.hpp"
#include "tests/simulation/model_host.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kongfleet::simulation {

using controller::HostPhase;

/// What is true, and what must hold whatever a controller believes. Every sentence of README's P8
/// and P11 that a rollout can break, as it can be seen from the hosts' side:
///
/// budget: never are more than max_unavailable hosts being changed by this rollout's own orders at
///   once: from the moment a host takes Apply until it is in trial or back (its own way back after
///   a failure counts), and from the moment it takes Rollback until that is done. When Apply is
///   sent, those that were shown as lost, unreachable or stranded count too. Once the rollout
///   stops, one host at a time may go back whatever became of the others. What does not count: the
///   end of a trial, for that is never put off (ordered by Revert, or by the host itself), and
///   hosts of which a controller was not told yet, or that its predecessor left changing. A host
///   that is told once more, for its answer was lost, has its place already.
/// order: when Apply is sent to a host, every host of the waves before it runs the release for
/// good, or
///   failed, or was shown to have failed.
/// bake: when a host takes Confirm, it has been in trial for `bake`, and so has every other host of
///   its wave that is not done and did not fail.
/// failures: once more than max_failures hosts have failed, and fifteen seconds passed in which the
///   controller could be told, or it has shown so many, no Apply is sent any more. What was sent
///   before may still arrive.
/// lease: a trial that a controller was told of does not run out while that controller lives and
///   nothing happens to the host.
/// stop: once the controller said that nothing new starts, no Apply is sent.
/// report: whatever phase is shown of a host, it is in at that moment, see agrees().
/// poison: a sync does not tell a host to begin what failed there before it (unless a person
/// resumes
///   it, and the host could not be asked before), and says so only of
///   those.
/// rollback: what it calls done went back since it began. One of a rollout goes to what a host ran
///   when that began to change it, from what it brought and nothing else.
/// no false word: of a host that nothing happened to no failure is shown.
class Truth final : public Witness {
public:
  struct Rules {
    std::vector<std::size_t> wave_ends;
    milliseconds bake{0};
    std::size_t max_unavailable = 1;
    std::size_t max_failures = 0;
  };

  Truth(World& world, std::vector<std::unique_ptr<ModelHost>>& hosts)
      : world_(world), hosts_(hosts) {}

  /// A rollout of that name begins, or is taken up by another controller.
  void rollout(const std::string& id, Rules rules, const std::string& target);
  void taken_up();
  /// A sync begins, and in this order its hosts go; without, they go as they are numbered.
  void syncs_in_order(const std::vector<std::size_t>& hosts);
  /// A sync passes it by, for what it would get failed there before.
  void skipped(std::size_t host);
  bool was_skipped(std::size_t host) const { return facts_[host].skipped; }
  bool was_begun(std::size_t host) const { return facts_[host].begun; }
  /// What is remembered of a host as it is taken up: as if it were shown.
  /// `forgiven`: a person wants what failed to be tried again, it does not count any more.
  void remembered(std::size_t host, HostPhase phase, bool forgiven);
  std::string in_charge;  // the controller whose rollout it is
  /// From here on its hosts are somebody else's too: what is shown need not be.
  void contested() { contested_ = true; }
  bool is_contested() const { return contested_; }
  /// A rollback of that name begins, and calls a host this. `of`: only of that rollout, which was
  /// the last one; empty: of whatever there is.
  void rolls_back(const std::string& id, const std::string& of);
  void shown_by_rollback(const std::string& id, std::size_t host, HostPhase phase);
  /// Its controller died, or stood still: whatever hosts do about it is no lie.
  void harmed_all();

  // What a controller does and shows.
  void said(std::size_t host, const std::string& frame);
  void shown(std::size_t host, HostPhase phase);
  void stopping() { stopping_ = true; }
  /// What hooks of the rollout `id` do to a balancer.
  void taken_out(const std::string& id, std::size_t host) { out_[id].insert(host); }
  void put_back(const std::string& id, std::size_t host) { out_[id].erase(host); }
  /// That rollout has come to an end, or to a stop, and told everybody so: nobody is left out.
  void check_balancer(const std::string& id);

  /// At every event.
  void check();
  /// Why what is reported of a host is wrong now; empty: it is right.
  std::string agrees(std::size_t host, HostPhase phase) const;
  const Generation& before(std::size_t host) const { return facts_[host].before; }
  bool runs_target(std::size_t host) const;
  /// It was confirmed by this rollout, and did not go back.
  bool still_has_it(std::size_t host) const {
    return facts_[host].was_confirmed && hosts_[host]->committed() != facts_[host].ran;
  }
  bool is_target_before(std::size_t host) const { return facts_[host].before.digest == target_; }
  bool harmed_ever(std::size_t host) const { return facts_[host].harmed; }
  bool false_claims(std::size_t host) const;

  void begins(std::size_t host, const std::string& transaction, bool way_back) override;
  void in_trial(std::size_t host, const std::string& transaction) override;
  void renewed(std::size_t host) override {
    facts(host).harmed_since = !is_in_hand(host);
    facts(host).renewed = world_.now();
  }
  void lease_over(std::size_t host) override;
  void confirmed(std::size_t host, const std::string& transaction) override;
  void ended(std::size_t host, const std::string& transaction,
             wire::Outcome::Result result) override;
  void harmed(std::size_t host) override { facts(host).harmed = facts(host).harmed_since = true; }

private:
  struct Rollback {
    std::string of;          // the rollout of which alone it is
    std::vector<bool> back;  // hosts that went back since it began, or came home from a trial
  };
  void check_heard(std::size_t host);
  Rollback* rollback_of(const std::string& transaction);
  bool is_alone(const Rollback& rollback) const;
  struct Facts {
    Generation before;
    Generation ran;  // when it was told to begin
    bool changing = false;
    bool going_back = false;
    std::string begun_under;  // the controller that was in charge then
    bool harmed = false;
    bool harmed_since = false;  // it began, or was last renewed
    bool was_confirmed = false;
    bool begun = false;
    bool skipped = false;
    bool poisoned = false;  // when a sync began
    std::optional<Time> trial_since;
    std::optional<Time> renewed;  // last
    bool was_in_trial = false;
    std::optional<Time> failed;
    std::optional<HostPhase> shown;
    bool forgiven = false;   // as it is shown
    bool has_place = false;  // Apply was sent, and nothing was shown of it since
  };
  Facts& facts(std::size_t host);
  bool is_ours(const std::string& transaction) const;
  std::size_t wave_of(std::size_t host) const;
  bool shown_failed(std::size_t host) const;
  std::size_t known_failures() const;
  void may_begin(std::size_t host);
  bool is_in_hand(std::size_t host) const;
  void broken(std::size_t host, const std::string& what);

  World& world_;
  std::vector<std::unique_ptr<ModelHost>>& hosts_;
  std::vector<Facts> facts_;
  std::vector<std::size_t> order_;
  std::string id_;
  std::string target_;
  Rules rules_;
  bool stopping_ = false;
  bool living_ = false;  // a controller was heard since the last one died or stood still
  bool contested_ = false;
  std::map<std::string, Rollback> rollbacks_;         // by name
  std::map<std::string, std::set<std::size_t>> out_;  // of the balancer, by rollout
};

}  // namespace kongfleet::simulation
