// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/power/disk_tree.hpp"

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace kongfleet::power {

/// fsync or fdatasync, of a file or a directory.
struct DiskSync {
  Inode inode = -1;
  bool data_only = false;
  std::string site;  // where in the code, and of what: "LiveFile::exchange live_file.cpp:97 kong"
};

/// The site of a sync that no program under test made.
constexpr const char* editors_site = "an editor";

/// What somebody outside knows from here on: "told 2".
struct Mark {
  std::string text;
};

using DiskEvent = std::variant<DiskChange, DiskSync, Mark>;

/// A run as its disk saw it.
struct Recording {
  Disk disk;
  DiskTree before;  // what was there, durably, when the run began
  std::vector<DiskEvent> events;

  void save(const std::filesystem::path& file) const;
  /// Throws Error for what save() did not write.
  static Recording load(const std::filesystem::path& file);
};

}  // namespace kongfleet::power
