// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <optional>
#include <string_view>

namespace kongfleet::agent {

/// What ssh-keygen(1) takes for a time in allowed_signers: YYYYMMDD, YYYYMMDDHHMM or
/// YYYYMMDDHHMMSS, with "Z" or "UTC" behind it for UTC. Without, it is this host's standard time:
/// also in summer, as ssh-keygen has it. Nothing for any other text, a day that is in no calendar,
/// and times not after 1970 began.
std::optional<std::time_t> parse_ssh_time(std::string_view text);

}  // namespace kongfleet::agent
