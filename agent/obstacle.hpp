// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace kongfleet::agent {

/// What keeps the file at `path` (no symlink) from being replaced by another of the same name, and
/// what to do about it; empty: nothing does. Several hard links (the others would be cut off), a
/// mount point of its own, chattr +i or +a on it or on its directory, a read-only file system.
/// `mounts`: /proc/self/mountinfo, see proc(5). Writes nothing. Throws Error where the file can't
/// be looked at.
std::string obstacle_to_replace(const std::filesystem::path& path,
                                const std::filesystem::path& mounts = "/proc/self/mountinfo");

}  // namespace kongfleet::agent
