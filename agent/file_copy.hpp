// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/manifest.hpp"

#include <filesystem>

namespace kongfleet::agent {

/// Copies `from` to `to`, which must not exist, hashing every byte on the way; synced when it
/// returns. The copy shares its blocks with the original where the file system can (FICLONE).
/// Throws Error when what was copied is not what `expected` says; the copy is then not to be used.
void copy_verified(const std::filesystem::path& from, const std::filesystem::path& to,
                   const ManifestFile& expected);

/// Gives the file at `from`, which we wrote and nobody needs there, the name `to` as well, which
/// must not exist, and the mode of `expected`. Hashes it, and syncs it; throws Error as above.
/// False, and nothing is done, where a copy has to be made: it has a second name already, or can't
/// have one.
bool take_verified(const std::filesystem::path& from, const std::filesystem::path& to,
                   const ManifestFile& expected);

/// Whether the file at `path` has the size and the digest of `expected`. False for what can't be
/// read.
bool same_content(const std::filesystem::path& path, const ManifestFile& expected);

}  // namespace kongfleet::agent
