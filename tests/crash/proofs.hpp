// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/proof.hpp"

namespace kongfleet::crash {

/// Each proves one thing over all its cases, or over those whose names begin with `only`, and gives
/// the exit code.

/// Killed before every mutating call of every scene, then recovered in both ways.
int kill_points(const std::string& only);

/// Killed in a deploy and again in its recovery, then recovered.
int kill_pairs(const std::string& only);

/// Every disk error at every mutating call of a deploy and of a rollback, once and lasting.
int io_errors(const std::string& only);

/// Each rename of every scene pretended, each O_EXCL taken away: the checks must see it.
int mutants(const std::string& only);

/// Asked for what it already is, a host makes no mutating call at all: no write, no signal.
int converged_writes(const std::string& only);

}  // namespace kongfleet::crash
