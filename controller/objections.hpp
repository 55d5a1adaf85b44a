// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_run.hpp"

#include <memory>
#include <vector>

namespace kongfleet::controller {

// What hosts that made their plans have against it, as exit codes of design.md section 6. Pure.

/// What kind of no a host's answer is, before anything is touched; 0 for a yes.
int objection(const HostRun& host);
/// The gravest of all hosts' objections: a person is needed, then a host may be another one than it
/// says, then a mistake in the set-up, then what hosts think of the release; "try later" only where
/// that alone would help. 0: there is none.
int gravest(const std::vector<std::unique_ptr<HostRun>>& hosts);

}  // namespace kongfleet::controller
