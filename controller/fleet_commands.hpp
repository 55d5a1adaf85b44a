// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/command_line.hpp"

namespace kongfleet::controller {

// The commands that talk to hosts. Answers go to stdout, progress to stderr; each returns an exit
// code of design.md section 6. They throw Error for mistakes in the fleet file, the selectors or
// the plugins: nothing was touched then.
int run_plan(const GlobalOptions& global, const PlanCommand& command, const Answer& answer);
int run_rollout(const GlobalOptions& global, const RolloutCommand& command, const Answer& answer);
int run_rollback(const GlobalOptions& global, const RollbackCommand& command, const Answer& answer);
int run_status(const GlobalOptions& global, const StatusCommand& command, const Answer& answer);
/// Converges the hosts that differ, in waves as a rollout does, and leaves alone what is poison
/// there (it failed before). Prints nothing where there is nothing to say.
int run_sync(const GlobalOptions& global, const SyncCommand& command, const Answer& answer);
/// `check --hosts`: checks what there is here and, where that is right, has every host looked at:
/// what is wrong there, and the way to mend it. 0, 1 (a mistake here), or as
/// checkups_exit_code() says. JSON: one document, that of `check` with "host_checks".
int run_check_hosts(const GlobalOptions& global, const CheckCommand& command, const Answer& answer);

}  // namespace kongfleet::controller
