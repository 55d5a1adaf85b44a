// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/plugin_tree.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// ZIP archives, with libarchive.

/// An archive of these files, in their order, stored as they are: the same bytes wherever and
/// whenever it is made.
std::string zip_of(const std::vector<TreeFile>& files);

/// Reads an archive that anybody may have made. Every plain file is given to `take`; directories
/// are passed over. Throws Error "read 'PATH': why" for what is no ZIP archive, is larger than
/// manifest_content_max, packed or unpacked, has more than manifest_files_max entries, is encrypted
/// or damaged, and for any entry that is neither a file nor a directory, is setuid or setgid, or
/// has a path that a release cannot hold (why_bad_path: "..", absolute, …). Memory is taken as
/// bytes come, never for what an entry says of itself.
void read_zip(const std::filesystem::path& path, const std::function<void(TreeFile)>& take);

}  // namespace kongfleet::controller
