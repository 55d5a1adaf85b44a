// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace kongfleet::controller {

/// Who may read a file that is written anew.
enum class Readers {
  Umask,  // as the umask says
  All,    // whatever the umask: another user's program reads it
};

/// Makes `content` the whole of the file at `path`, mode 0644, less the umask unless `readers` are
/// all, so that whatever dies `path` is as it was before or complete, and on disk when this
/// returns: a temporary file in the same directory, fsync, rename, fsync of the directory. Throws
/// Error; the temporary file is then gone.
void replace_file(const std::filesystem::path& path, std::string_view content,
                  Readers readers = Readers::Umask);

/// Writes a file that must not be there yet; nothing is ever overwritten. Throws Error, also when
/// `path` exists.
void create_file(const std::filesystem::path& path, std::string_view content);

}  // namespace kongfleet::controller
