// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/crash_host.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace kongfleet::power {

// Files as a test needs them: nothing here is durable. All throw Error naming the file.

using crash::content_of;
/// Creates the file, or replaces what it holds.
void put_file(const std::filesystem::path& path, std::string_view content);
/// lstat.
struct stat look_at(const std::filesystem::path& path);

/// Writes all that the file system of `path` holds to its disk.
void sync_file_system(const std::filesystem::path& path);

/// Where the build made this program: what is to be kept of a failure goes there.
std::filesystem::path build_directory();

/// Owns a file descriptor.
struct Descriptor {
  explicit Descriptor(int its_raw) : raw(its_raw) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int raw;
};

/// A fresh directory below $TMPDIR, gone with everything in it when the object goes.
class ScratchDirectory {
public:
  explicit ScratchDirectory(const std::string& purpose);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

}  // namespace kongfleet::power
