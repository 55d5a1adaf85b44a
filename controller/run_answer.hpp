// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/fleet_run.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kongfleet::controller {

// What the commands that change hosts have in common: how they ask, show and answer.

/// Asks a person, unless `yes`. Throws Error where nobody can be asked.
bool agreed(const std::string& question, bool yes);
/// Says that nothing was touched, for a person said no. The exit code.
int touched_nothing(const Answer& answer, const std::string& command);
/// How a run is watched: as events, on a terminal as a picture, otherwise as lines. It may have the
/// screen to itself until it is destroyed.
std::unique_ptr<RunView> view_for(const Answer& answer, RunShape shape);
void print_run_end(const Answer& answer, const RunEnd& end);
/// What was passed over on our side.
void print_notes(const FleetRun& run, const Answer& answer);
/// Tells people what is to be known while they wait; `answer`'s stream must outlive it.
Tell noting(const Answer& answer);
/// What went wrong beside the run, and changes nothing of it.
void print_troubles(const Answer& answer, const std::vector<std::string>& troubles);
/// Selectors as they were typed.
std::string selection_text(const std::vector<std::string>& selectors);

}  // namespace kongfleet::controller
