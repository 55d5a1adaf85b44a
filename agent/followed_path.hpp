// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace kongfleet::agent {

/// The file that `path` (absolute) leads to, without a symlink in it. A symlink is followed when
/// root or we made it, or when what it leads to is its owner's own: who may set a link would
/// otherwise choose which of root's files we replace. Each link's owner is looked at on the very
/// link that is read, whatever it is swapped for meanwhile. Throws Error: with the link and its
/// owner, or where there is no such file.
std::filesystem::path followed_path(const std::filesystem::path& path);

/// Who besides root and us may replace a directory, or one it lies in: "'/srv/kong' belongs to user
/// 1001", "'/srv' can be written by group 50"; empty: nobody. A sticky directory is nobody's to
/// replace what others made there. Throws Error where one can't be looked at.
std::string who_may_replace(const std::filesystem::path& directory);

}  // namespace kongfleet::agent
