// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/sync_decision.hpp"

#include "controller/exit_code.hpp"
#include "controller/objections.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

bool is_well(HostPhase phase) { return phase == HostPhase::Done || phase == HostPhase::Unchanged; }

bool is_touched(HostPhase phase) {
  return phase != HostPhase::Waiting && phase != HostPhase::Unchanged &&
         phase != HostPhase::Refused && phase != HostPhase::Unreachable;
}

}  // namespace

SyncLot sync_lot(const HostRun& host) {
  if (host.plan && !host.plan->poison().empty()) return SyncLot::Poisoned;
  if (objection(host) != 0 || !host.plan) return SyncLot::RuledOut;
  return host.plan->unchanged() ? SyncLot::AtPeace : SyncLot::Wanting;
}

std::optional<HostPhase> set_aside(const HostRun& host) {
  switch (sync_lot(host)) {
    case SyncLot::Wanting:
      break;
    case SyncLot::AtPeace:
    case SyncLot::Poisoned:
      return HostPhase::Unchanged;
    case SyncLot::RuledOut:
      return host.ruled_out().value_or(HostPhase::Refused);
  }
  return std::nullopt;
}

// The rules themselves are asked: a rollout in which every host that starts does well.
std::string hopeless(const RolloutRules& rules,
                     const std::vector<std::optional<HostPhase>>& set_aside) {
  Rollout rollout(rules);
  Rollout::Time now{};
  for (std::size_t i = 0; i < set_aside.size(); ++i) {
    if (set_aside[i]) rollout.report(i, *set_aside[i], now);
  }
  while (!rollout.stopping() && !rollout.over()) {
    const auto actions = rollout.next(now);
    for (const auto& action : actions) {
      const bool starts = action.kind == RolloutAction::Kind::Start;
      rollout.report(action.host, starts ? HostPhase::Trial : HostPhase::Done, now);
    }
    if (!actions.empty()) continue;
    const auto wake = rollout.wake();
    if (!wake) break;
    now = *wake;
  }
  return rollout.why();
}

int sync_exit_code(const RunEnd& end, int objections) {
  const auto touched = [](const auto& entry) { return is_touched(entry.second); };
  const auto well = [](const auto& entry) { return is_well(entry.second); };
  const bool any_touched = std::any_of(end.hosts.begin(), end.hosts.end(), touched);
  for (const int code :
       {exit_code::needs_person, exit_code::taken_back, exit_code::paused, exit_code::interrupted,
        exit_code::host_key, exit_code::failed, exit_code::refused, exit_code::held}) {
    const bool says_untouched =
        code == exit_code::host_key || code == exit_code::failed || code == exit_code::refused;
    if (any_touched && says_untouched) continue;
    if (end.exit_code == code || objections == code) return code;
  }
  const bool all_well = end.poisoned.empty() &&
                        std::all_of(end.hosts.begin(), end.hosts.end(), well) &&
                        std::all_of(end.left_alone.begin(), end.left_alone.end(), well);
  return all_well ? 0 : 2;
}

}  // namespace kongfleet::controller
