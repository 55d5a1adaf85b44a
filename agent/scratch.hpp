// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace kongfleet::agent {

/// Deletes what an agent that died left unfinished in its state directory: the candidate and the
/// scratch prefix of a preflight, which hold copies of kong.conf with its passwords, and files that
/// were to replace others. Only for who holds the state's lock. What can't be deleted stays until
/// the next start.
void sweep_scratch(const std::filesystem::path& state);

}  // namespace kongfleet::agent
