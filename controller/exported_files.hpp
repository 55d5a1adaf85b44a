// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/plugin_tree.hpp"

#include <filesystem>
#include <vector>

namespace kongfleet::controller {

/// What an export writes: files by their path below the directory it was given.
struct ExportedFiles {
  std::vector<TreeFile> files;
  bool alone = false;  // a tool takes whatever lies in the directory, so nothing else may
};

/// Writes them below `directory`, which is made if need be, readable by everybody whatever the
/// umask; a file that is there is replaced. Throws Error, before anything is written, when
/// `files.alone` and the directory holds something that is not written now.
void write_exported(const std::filesystem::path& directory, const ExportedFiles& exported);

}  // namespace kongfleet::controller
