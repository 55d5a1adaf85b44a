// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace kongfleet::agent {

/// What tells this agent from every other one that runs at the same time, whatever name or address
/// it is reached by: "BOOT-ID/DEVICE:INODE" of this boot and of the agent's state directory. Clones
/// of an image differ in the first part, agents that share a machine in the second. Empty where it
/// cannot be known.
std::string host_identity(const std::filesystem::path& state);

}  // namespace kongfleet::agent
