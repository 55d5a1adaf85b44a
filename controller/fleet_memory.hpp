// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/release_memory.hpp"
#include "controller/rollout_memory.hpp"
#include "controller/state_database.hpp"

namespace kongfleet::controller {

/// All that is remembered of one fleet.
struct FleetMemory {
  /// Throws Error as StateDatabase does.
  FleetMemory(const Fleet& fleet, StateDatabase::Mode mode, Tell tell = {})
      : database(fleet.state, mode, {.tell = std::move(tell)}),
        releases(database, fleet.name),
        rollouts(database, fleet.name) {}

  StateDatabase database;
  ReleaseMemory releases;
  RolloutMemory rollouts;
};

}  // namespace kongfleet::controller
