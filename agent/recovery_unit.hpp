// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/finding.hpp"

#include <filesystem>
#include <optional>
#include <string_view>

namespace kongfleet::agent {

inline constexpr const char* recovery_unit = "kongfleet-recover.service";

/// Why the unit that takes an unconfirmed generation back at boot could not replace a file of
/// `directory` (P4), from what `systemctl show` says of its LoadState, ProtectSystem and
/// ReadWritePaths. Nothing where it can, or where there is no such unit: then nobody locked it in.
std::optional<Finding> recovery_defect(std::string_view shown,
                                       const std::filesystem::path& directory);

/// Why it, or the agent, which asks this, could not remove from Kong's prefix what would keep Kong
/// from starting (stale_sockets.hpp), from the same. Nothing where both can.
std::optional<Finding> sockets_defect(std::string_view shown, const std::filesystem::path& prefix);

/// Why that unit would not even run at boot, from its LoadState and UnitFileState. Nothing where it
/// would, or where there is no such unit.
std::optional<Finding> recovery_disabled(std::string_view shown);

/// Why that unit would run beside the start of Kong instead of before it, from its LoadState and
/// Before. `starter`: the unit that starts Kong; empty: nobody knows, so it may be rc.local or
/// cron. Nothing where all is well, or where there is no such unit. The advice is a command.
std::optional<Finding> recovery_unordered(std::string_view shown, const std::string& starter);

/// The service that started a process at boot, from its /proc/PID/cgroup; empty where that is none:
/// a session, a container, something that somebody ran.
std::string service_in(std::string_view cgroup);

}  // namespace kongfleet::agent
