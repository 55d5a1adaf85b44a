// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/hostile/cases.hpp"

namespace kongfleet::hostile {

/// Tries each case on one real agent, whose host has Kong and a release already, and looks at the
/// host's every file, the agent's memory and the time before and after. A case was bad when it was
/// not refused as wanted, left anything, took too much, or kept the agent from answering others.
/// Returns how many were, each told on stdout.
std::size_t judge_on_wire(const WireCases& cases, const fs::path& directory);

/// Tries each case in a process of its own, within bounds that the kernel keeps.
std::size_t judge_locally(const LocalCases& cases, const fs::path& directory);

}  // namespace kongfleet::hostile
