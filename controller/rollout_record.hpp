// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet_hold.hpp"
#include "controller/rollout_memory.hpp"
#include "controller/run_view.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Why a rollback is as it is that is over for others as soon as it begins, until it is over.
constexpr const char* never_ended = "it never came to its end";

/// Writes a rollout down while it runs, and passes on what it is told to `shown`. What one pump of
/// the rollout brings is written together; what hosts say between is kept until then, or until the
/// next beat.
class RolloutRecord : public RunView {
public:
  /// `rollout` is remembered already, with its hosts in the order of `hosts`. All but the first
  /// must outlive it.
  RolloutRecord(RememberedRollout rollout, const std::vector<std::unique_ptr<HostRun>>& hosts,
                RolloutMemory& memory, FleetHold& hold, RunView& shown);

  void wave(std::size_t number, std::size_t of, std::size_t hosts) override;
  void baking(std::size_t number, std::size_t of, std::chrono::milliseconds time) override;
  void step(const HostRun& host, const wire::Progress& progress) override;
  void phase(const HostRun& host, HostPhase phase) override;
  void stopping(const std::string& why) override;
  void intends(const HostRun& host, HostPhase phase) override;
  void commit(const Rollout& rollout) override;
  void beat() override;
  void check() override;

  /// It is taken up again: hosts begin as `phases` say, those that `anew` names with a new
  /// transaction. Written at once. Throws Error, and Ousted.
  void taken_up(const std::vector<TakenUpHost>& phases, const std::string& doing);
  /// How it ended; what it was remembered with as `never_ended` is forgotten. Throws Error, and
  /// Ousted, but not of a rollback: its row is its own whoever has the fleet.
  void end(const RunEnd& end);

  const RememberedRollout& rollout() const { return rollout_; }

private:
  void event(const std::string& kind, const std::string& host, const std::string& text);
  void enter(const HostRun& host, HostPhase phase);
  RolloutNews news() const;
  void write();
  void written();

  RememberedRollout rollout_;
  const std::vector<std::unique_ptr<HostRun>>& hosts_;
  std::map<const HostRun*, std::size_t> positions_;
  RolloutMemory& memory_;
  FleetHold& hold_;
  RunView& shown_;
  std::set<std::size_t> changed_;
  std::vector<RememberedEvent> events_;
  bool standing_changed_ = false;
};

}  // namespace kongfleet::controller
