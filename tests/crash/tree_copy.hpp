// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace kongfleet::crash {

/// Copies a directory with all in it, owners, modes and times too. Files below a directory called
/// `shared` are hard links instead: for what is never written to. Throws Error.
void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to,
               const std::filesystem::path& shared);

}  // namespace kongfleet::crash
