// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent {

namespace fs = std::filesystem;

/// A directory that is held open: what is done to the files in it is done there, whatever its path
/// leads to meanwhile. Of a file's path only the name counts, the rest is for messages; no symlink
/// of that name is followed. All throw Error naming the file.
class Directory {
public:
  /// `fd`: the directory, open (O_PATH is enough); `path`: what messages call it.
  Directory(Fd fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

  /// What is in it, without "." and "..".
  std::vector<std::string> names() const;
  /// Of whatever kind and opened for nothing (O_PATH); none where there is no such file.
  Fd find(const fs::path& file) const;
  /// For reading; none where there is no such file.
  Fd open(const fs::path& file) const;
  /// A new file that must not exist yet, open for writing.
  Fd create(const fs::path& file, unsigned mode) const;
  /// lstat(2); nothing where there is no such file.
  std::optional<struct stat> look(const fs::path& file) const;
  /// Whether there was one.
  bool remove(const fs::path& file) const;
  void rename(const fs::path& from, const fs::path& to) const;
  /// Gives `file` a second name.
  void link(const fs::path& file, const fs::path& second) const;
  /// Gives two files each other's name in one call (renameat2, Linux 3.15). False where kernel or
  /// file system cannot.
  bool exchange(const fs::path& a, const fs::path& b) const;
  /// fsync: the names in it are on disk afterwards.
  void sync() const;

private:
  Fd fd_;
  fs::path path_;
};

}  // namespace kongfleet::agent
