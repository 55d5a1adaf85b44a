// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/brought.hpp"
#include "controller/fleet.hpp"
#include "controller/rollout_memory.hpp"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// A host on which a rollout may have left something.
struct RollbackTarget {
  const FleetHost* host;
  Brought brought;
};

/// The ones of `hosts` that 'rollback --rollout' has to do with: all but those that are known to
/// have got nothing from `rollout`, or to have gone back. In the order of `hosts`, which must
/// outlive them. `rollout` is over, and no rollback itself. Throws Declined (exit code 1) where
/// there is no such host. Pure.
std::vector<RollbackTarget> rollback_targets(const RememberedRollout& rollout,
                                             const std::vector<const FleetHost*>& hosts);

/// Likewise those, by their labels, that `fleet` does not have any more. Pure.
std::vector<std::string> lost_targets(const RememberedRollout& rollout, const Fleet& fleet);

}  // namespace kongfleet::controller
