// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet_run.hpp"
#include "controller/sync_decision.hpp"

#include <optional>
#include <vector>

namespace kongfleet::controller {

/// What a sync sees of its hosts before it touches one: in the order in which they go, what each is
/// to it.
struct SyncLook {
  std::vector<SyncLot> lots;
  std::vector<std::optional<HostPhase>> set_aside;
  int objections = 0;  // the gravest of all, as an exit code

  bool any_wanting() const;
  /// Why nothing is begun although there is something to mend; empty: it may begin.
  std::string why_not(const RolloutRules& rules) const;
};

/// Puts the hosts of a run that made their plans into the order in which they go, and looks at
/// them.
SyncLook sort_out(FleetRun& run);

/// How a sync ends that begins nothing: who is to be mended waits.
RunEnd end_of_nothing(const FleetRun& run, const SyncLook& look);

/// The rollout of a sync knows all hosts alike: tells those it was to work on from the others, and
/// gives `end` the sync's own exit code.
void tell_apart(RunEnd& end, const SyncLook& look);

}  // namespace kongfleet::controller
