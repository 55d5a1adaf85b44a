// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet_hold.hpp"
#include "controller/fleet_memory.hpp"
#include "controller/fleet_run.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// This process, at the work of `run`, for those whom it keeps out.
Holder holder_for(const FleetRun& run);

/// What keeps a rollout of `releases` from beginning: throws Declined where a version comes back
/// with other content, or where another rollout is not over.
void check_may_begin(FleetMemory& memory, const std::vector<Release>& releases);

/// Who sees what a run does, and who is asked before a host is touched; null: nobody.
struct Watchers {
  RunView& view;
  RolloutGate* gate = nullptr;
};

/// In which phase a host that made its plan is from the beginning; nothing: it may start. Pure.
using SetAside = std::optional<HostPhase> (*)(const HostRun& host);
/// Those that are ruled out.
std::optional<HostPhase> ruled_out(const HostRun& host);

/// Rolls out to the hosts of `run`, which have made their plans, and remembers all of it: before
/// the first host is told, what is needed to go on. Those that are set aside count as what they
/// are. Throws Declined as above.
RunEnd roll_out(FleetRun& run, FleetMemory& memory, FleetHold& hold, const std::string& selection,
                const Watchers& watchers, SetAside set_aside = ruled_out);

/// Remembers that `run` goes back, and ends the rollout that is not over, if there is one, as
/// aborted. What a RolloutRecord of it begins with.
RememberedRollout begin_rollback(const FleetRun& run, FleetMemory& memory,
                                 const std::string& selection);

/// A rollout that is not over, with the fleet and the releases it began with.
struct UnfinishedRollout {
  RememberedRollout rollout;
  Fleet fleet;  // as the fleet file says, but hosts, probes and rules are the rollout's
  std::vector<Release> releases;
};
/// Throws Declined where there is none of that name, or it is over.
UnfinishedRollout unfinished(const Fleet& fleet, FleetMemory& memory, const std::string& id);

/// Goes on with a rollout, or takes it back.
enum class Again { Resume, Abort };
/// `run` is of the unfinished rollout's fleet, hosts, releases and ID.
RunEnd take_up(FleetRun& run, const UnfinishedRollout& unfinished, Again again, FleetMemory& memory,
               FleetHold& hold, const Watchers& watchers);

}  // namespace kongfleet::controller
