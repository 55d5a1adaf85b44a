// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_run.hpp"
#include "controller/release_memory.hpp"

#include <iosfwd>
#include <memory>
#include <vector>

namespace kongfleet::controller {

/// What would change, as a person reads it: hosts with the same change together, kong.conf's lines
/// as a diff.
void print_plan(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts);
/// The same as one JSON document; `conflicts` keep a rollout from beginning.
void print_plan_json(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts,
                     const std::vector<ReleaseConflict>& conflicts);
/// Versions that cannot be rolled out, and what to do.
void print_conflicts(std::ostream& out, const std::vector<ReleaseConflict>& conflicts);
/// Only the hosts that can't be dealt with or refuse, and why.
void print_objections(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts);

}  // namespace kongfleet::controller
