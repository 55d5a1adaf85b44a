// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollback_target.hpp"

#include "controller/declined.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

// Committed, its digest is known; what could not be taken back again is there still.
bool brought_something(const RememberedHost& host) {
  const bool stayed = host.phase == HostPhase::Done || host.phase == HostPhase::Kept;
  return stayed && host.outcome && host.outcome->result() == wire::Outcome::COMMITTED;
}

}  // namespace

std::vector<RollbackTarget> rollback_targets(const RememberedRollout& rollout,
                                             const std::vector<const FleetHost*>& hosts) {
  if (!is_over(rollout.state)) {
    throw Declined(1, rollout.id + " is not over: 'kongfleet abort " + rollout.id +
                          "' takes it back; nothing was touched");
  }
  if (rollout.kind == "rollback") {
    throw Declined(1, rollout.id +
                          " is a rollback; name a rollout, as 'kongfleet history' shows "
                          "them; nothing was touched");
  }
  std::vector<RollbackTarget> targets;
  for (const auto* host : hosts) {
    const auto it = std::find_if(rollout.hosts.begin(), rollout.hosts.end(),
                                 [&](const auto& was) { return was.label == host->label(); });
    if (it == rollout.hosts.end() || !brought_something(*it)) continue;
    targets.push_back({host, it->outcome->host()});
  }
  if (targets.empty()) {
    throw Declined(1, rollout.id +
                          " left nothing on these hosts that could be taken back "
                          "('kongfleet show " +
                          rollout.id + "'); nothing was touched");
  }
  return targets;
}

}  // namespace kongfleet::controller
