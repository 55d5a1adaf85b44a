// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/run_view.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

// What a sync decides, of hosts that made their plans. Pure.

/// What a sync makes of a host. In the order in which hosts go: who wants something is the canary,
/// and those that are ruled out do not make a wave of their own before anybody proved anything.
enum class SyncLot {
  Wanting,   // it is to be mended
  AtPeace,   // there is nothing to do
  Poisoned,  // what it would get failed there before, and is not tried again
  RuledOut,  // it can't be dealt with, or refuses
};
SyncLot sync_lot(const HostRun& host);

/// In which phase a host is that a sync does not work on; nothing: it is to be mended. Those that
/// are ruled out count as failed, and what is unavailable counts as that; the others as unchanged.
std::optional<HostPhase> set_aside(const HostRun& host);

/// Why a sync should not even begin: though all went well it would stop for those that are set
/// aside. A sentence; empty: it may begin. One phase, or nothing, for each host in the order they
/// go.
std::string hopeless(const RolloutRules& rules,
                     const std::vector<std::optional<HostPhase>>& set_aside);

/// A sync's exit code: the gravest of what its rollout came to, which `end` has, and of what hosts
/// have against it (objections.hpp). 1, 5 and 7, by which nothing was touched, only where that is
/// so. Else, where a host is not as the fleet file says, 2.
int sync_exit_code(const RunEnd& end, int objections);

}  // namespace kongfleet::controller
