// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace kongfleet::hostile {

/// A tree as it is: by path, what tells that something was written, even the same again (kind,
/// mode, owner, size, inode, time of change, digest of the content).
using TreePrint = std::map<std::string, std::string>;

TreePrint print_of(const std::filesystem::path& root);

/// The first paths that are not as they were, or empty.
std::string difference(const TreePrint& before, const TreePrint& after);

}  // namespace kongfleet::hostile
