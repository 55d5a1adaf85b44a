// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/exported_files.hpp"
#include "controller/plugin_tree.hpp"
#include "controller/release.hpp"

#include <vector>

namespace kongfleet::controller {

/// The release as LuaRocks wants it: kong-plugin-NAME-VERSION-1.rockspec, with which `luarocks
/// make` installs it from the plugin tree, and kong-plugin-NAME-VERSION-1.all.rock, which `luarocks
/// install` takes as it is. Both list every Lua file as a module; files that are none go where they
/// are beside them. It depends on Lua and on `needs`, those of the rock that the tree came from.
/// Pure, the same bytes each time. Throws Error for a version or a dependency that LuaRocks does
/// not take, and for a file that cannot be reached as a module since its path has a '.' too many.
ExportedFiles rock_of(const Release& release, const std::vector<TreeNeed>& needs);

}  // namespace kongfleet::controller
