// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/plugin_tree.hpp"

#include <filesystem>
#include <optional>

namespace kongfleet::controller {

/// The Lua tree within a built rock (NAME-VERSION.all.rock, what `luarocks pack` makes of an
/// installed one), by the same rules as read_plugin_tree; nothing of it is run. bin/, doc/ and the
/// like are left out. Throws Error as read_zip does, and for a source rock, which must be built
/// first, and one with native modules.
PluginTree read_rock(const std::filesystem::path& rock);

/// The tree that a rockspec makes of the files in its directory; follows no link there. Throws
/// Error as read_rockspec does.
PluginTree read_rockspec_tree(const std::filesystem::path& rockspec);

/// The only *.rockspec of a directory that has no kong/plugins/ of its own; nothing when there is
/// none. Throws Error when there are several.
std::optional<std::filesystem::path> rockspec_in(const std::filesystem::path& directory);

}  // namespace kongfleet::controller
