// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/directory.hpp"

#include <filesystem>
#include <string>

namespace kongfleet::agent {

/// The file that `path` (absolute) leads to, without a symlink in it. A symlink is followed when
/// root or we made it, or when what it leads to is its owner's own: who may set a link would
/// otherwise choose which of root's files we replace. Each link's owner is looked at on the very
/// link that is read, whatever it is swapped for meanwhile. Throws Error: with the link and its
/// owner, or where there is no such file.
std::filesystem::path followed_path(const std::filesystem::path& path);

/// The directory that `path` leads to, as followed_path() says, held open as it was walked to:
/// nobody can put another one in its place from then on. Throws as that does.
Directory followed_directory(const std::filesystem::path& path);

/// The file that `path` leads to, open for reading; none where there is none. For files
/// in a directory that is another user's, Kong's prefix above all: whoever may put anything there
/// must not choose what root reads for them, nor make it wait. A symlink is followed as
/// followed_path() says, and also when the directory that the file lies in is the link's owner's:
/// a log that root's nginx created there is not its secret. A file with more than one name (hard
/// link) is opened only where its owner alone, whose the directory is, can have named it; and
/// nothing is that isn't a regular file: a FIFO nobody writes to, a device. So a file of root's can
/// be read through it only if it was made in that user's directory, or root linked to it. Throws
/// Error with the reason.
Fd followed_file(const std::filesystem::path& path);

/// Whether there is neither a file at `path` nor anything that was to lead to one: a link that
/// leads nowhere, a directory that is a file, what can't be looked at. A file that is absent says
/// nothing, and such a one only fails to.
bool is_absent(const std::filesystem::path& path);

/// Who besides root and us may replace a directory, or one it lies in: "'/srv/kong' belongs to user
/// 1001", "'/srv' can be written by group 50"; empty: nobody. A sticky directory is nobody's to
/// replace what others made there. Throws Error where one can't be looked at.
std::string who_may_replace(const std::filesystem::path& directory);

/// The same of a file: who may write it, be it root's group, or put another one in its place. A
/// link to it is looked at as well as what it leads to. Throws Error where one can't be looked at.
std::string who_may_write(const std::filesystem::path& file);

}  // namespace kongfleet::agent
