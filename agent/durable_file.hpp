// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace kongfleet::agent {

namespace fs = std::filesystem;

// Durability is written here, once: everybody who must find a file again after a power cut goes
// through these. All throw Error naming the file. An fsync that failed is never retried on the same
// descriptor.

/// The whole content of a regular file of at most `limit` bytes.
std::string read_file(const fs::path& path, std::size_t limit = std::size_t{64} << 20);
/// The same of one that is open; `path` is for the message.
std::string read_file(const Fd& file, const fs::path& path,
                      std::size_t limit = std::size_t{64} << 20);
/// The same, or nothing when there is no such file.
bool read_file_if_there(const fs::path& path, std::string& content);

/// A new file that must not exist yet (O_EXCL, never through a symlink), open for writing.
Fd create_file(const fs::path& path, unsigned mode);
/// The same for `name`, relative to the open `directory`; `path` is for the message.
Fd create_file(int directory, const fs::path& name, unsigned mode, const fs::path& path);
void write_all(const Fd& file, std::string_view bytes, const fs::path& path);
/// fsync of a file: its bytes are on disk afterwards.
void sync_file(const Fd& file, const fs::path& path);
/// fsync of a directory: the names in it are on disk afterwards.
void sync_directory(const fs::path& directory);

/// rename(2): `to` is there all the time, as what it was or as what `from` was. Not durable before
/// the directory is synced.
void rename_file(const fs::path& from, const fs::path& to);

/// Makes `path` hold `content`, whole, whatever dies: temp file beside it, fsync, rename, fsync of
/// the directory.
void replace_file(const fs::path& path, std::string_view content, unsigned mode);

/// Adds one line at the end and syncs. A line is one write: it is there whole or not at all, short
/// of a power cut.
void append_line(const fs::path& path, std::string_view line, unsigned mode);

}  // namespace kongfleet::agent
