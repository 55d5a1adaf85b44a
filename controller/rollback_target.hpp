// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/rollout_memory.hpp"

#include <vector>

namespace kongfleet::controller {

/// A host that ran, when a rollout ended, what that had brought.
struct RollbackTarget {
  const FleetHost* host;
  wire::HostState brought;
};

/// The ones of `hosts` that 'rollback --rollout' takes back: all on which `rollout` was confirmed
/// and stayed. In the order of `hosts`, which must outlive them. Throws Declined (exit code 1)
/// where it is not over or a rollback itself, and where there is none. Pure.
std::vector<RollbackTarget> rollback_targets(const RememberedRollout& rollout,
                                             const std::vector<const FleetHost*>& hosts);

}  // namespace kongfleet::controller
