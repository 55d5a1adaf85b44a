// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/plugin_tree.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// One file that a rockspec installs.
struct RockspecFile {
  std::string from;  // relative to the rockspec's directory
  std::string to;    // in the Lua tree: "kong/plugins/my-plugin/handler.lua"
  std::size_t line;
};

/// What a rockspec says of files, and of rocks it depends on; "lua" itself is none.
struct Rockspec {
  std::vector<RockspecFile> files;
  std::vector<TreeNeed> needs;
};

/// Reads a rockspec without running it (lua_constants.hpp). Files are those of build.modules and
/// build.install.lua, at the places where LuaRocks 3 would put them. Throws Error "SHOWN:LINE:
/// what" for what is no rockspec or needs more than copying: a build.type other than "builtin",
/// modules in C, patches, and what differs from platform to platform.
Rockspec read_rockspec(std::string_view text, const std::string& shown);

/// The same for one that comes within a built rock, whose files are known: only needs.
std::vector<TreeNeed> needs_of_rockspec(std::string_view text, const std::string& shown);

}  // namespace kongfleet::controller
