// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace kongfleet::controller {

/// The type of a file system (statfs(2)'s f_type) if SQLite's files can't be trusted to it because
/// other machines may be at them too: its name. Nothing for all others. Pure.
///
/// FUSE is not among them: behind it may be a local disk as well as sshfs, and it does not tell.
std::optional<std::string> shared_file_system(std::int64_t type);

/// The type of the file system a file lies on, or will lie on; 0 where that is not to be had.
std::int64_t file_system_type(const std::filesystem::path& file);

/// Who has a SQLite database locked for writing, as far as this machine knows: "process 1234
/// (kongfleet rollout)"; empty: it does not know.
std::string who_locks(const std::filesystem::path& database);

}  // namespace kongfleet::controller
