// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace kongfleet::agent {

// Commands for people, to be run as root on this host.

/// For a shell: as it is where that is one word to it, else quoted.
std::string shell_word(const std::string& text);

/// Whether a command begins there, and nothing else than that command is said.
bool is_command(const std::string& advice);

/// Opens a directory to the agent and to its recovery at boot, which systemd both locks in. Of
/// /etc, in which there is too much that is not Kong's, it says what to do instead, which is no
/// command. Nothing where the name would take so much quoting that it were none for people.
std::optional<std::string> way_to_open(const std::filesystem::path& directory);

}  // namespace kongfleet::agent
