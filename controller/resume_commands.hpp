// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/command_line.hpp"

namespace kongfleet::controller {

// Go on with, or take back, a rollout that is not over: it was paused or interrupted, or its
// controller died. Answers and exit codes as those of a rollout; an abort that took all back is 0.
int run_resume(const GlobalOptions& global, const ResumeCommand& command, const Answer& answer);
int run_abort(const GlobalOptions& global, const AbortCommand& command, const Answer& answer);

}  // namespace kongfleet::controller
