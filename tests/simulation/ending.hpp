// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/simulation/process.hpp"

#include <string>
#include <vector>

namespace kongfleet::simulation {

// What must hold once a controller, or all of them, are done.

/// Why how a rollout's command ended is not true of its hosts, or not what it remembers, or has not
/// the exit code of design.md section 6; empty: it is right. `row` is what is remembered.
std::string why_wrong_end(const CommandEnd& end, const controller::RememberedRollout& row,
                          const Truth& truth, std::size_t max_failures);

/// Why how a sync ended is not true, beyond its rollout, if it began one; empty: it is right.
std::string why_wrong_sync(const CommandEnd& end, const Truth& truth);

/// The same when everything that could still happen has happened: nothing is left in trial or half
/// done, and what is remembered is true for good. `row`: of a rollout whose hosts nobody else has
/// changed since; null: there is none.
std::string why_undecided(const controller::RememberedRollout* row,
                          const std::vector<std::unique_ptr<ModelHost>>& hosts, const Truth& truth);

}  // namespace kongfleet::simulation
