// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/rollout.hpp"

namespace kongfleet::controller {

using Hosts = std::vector<std::size_t>;

/// Waves that end there, a bake of 10 s, and no failure allowed.
inline RolloutRules rules(std::vector<std::size_t> ends, std::size_t unavailable = 100) {
  RolloutRules made;
  made.wave_ends = std::move(ends);
  made.bake = std::chrono::seconds(10);
  made.max_unavailable = unavailable;
  return made;
}

/// Whom actions of that kind are for, in their order.
inline std::vector<std::size_t> hosts_of(const std::vector<RolloutAction>& actions,
                                         RolloutAction::Kind kind) {
  std::vector<std::size_t> hosts;
  for (const auto& action : actions) {
    if (action.kind == kind) hosts.push_back(action.host);
  }
  return hosts;
}

/// What is to be done once each host that is looked at after the bake has answered.
inline std::vector<RolloutAction> once_heard(Rollout& rollout, Rollout::Time now) {
  for (const auto host : hosts_of(rollout.next(now), RolloutAction::Kind::Look))
    rollout.heard(host, true);
  return rollout.next(now);
}

}  // namespace kongfleet::controller
