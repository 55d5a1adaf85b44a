// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/command_line.hpp"

namespace kongfleet::controller {

/// `bootstrap`: takes hosts that have only sshd and an administrator's login to a working agent, or
/// to a newer one. All are looked at first; then one alone, and once its agent answers the others,
/// as long as none fails. A host that can't be managed is left alone and does not stop the others.
///
/// 0; 1 a mistake, nothing was touched; 4 a host failed or was not reached; 5 a host can't be
/// managed; 130 a person said no. JSON:
///
///     {"schema": "kongfleet/1", "command": "bootstrap", "dry_run", "hosts":
///      [{"host", "result", "text", "kong", "conf", "prefix", "role", "unit"}]}
///
/// and in a dry run "survey" and "waves" besides, and of each host "script" and "greeting".
/// "result" is "unchanged", "installed", "upgraded", "refused", "unreachable", "failed", "spared"
/// or, with --dry-run, "surveyed"; "kong" and what follows is there where a Kong was found.
int run_bootstrap(const GlobalOptions& global, const BootstrapCommand& command,
                  const Answer& answer);

}  // namespace kongfleet::controller
