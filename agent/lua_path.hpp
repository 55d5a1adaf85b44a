// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// What is between the ';' of a Lua path, empty ones too.
std::vector<std::string> lua_path_entries(const std::string& path);

/// An entry of a Lua path that has a module another entry was meant to have.
struct LuaPathShadow {
  std::string entry;           // "/opt/plugins/?.lua"
  std::filesystem::path file;  // what Lua loads instead
};

/// Where and how Lua looks for modules.
struct LuaSearch {
  std::string path;                          // value of lua_package_path
  std::filesystem::path base;                // relative entries begin here; empty: nobody knows
  std::vector<std::filesystem::path> roots;  // what an empty entry in the midst of the path
                                             // stands for: nginx's compiled-in directories
};

/// Lua takes the first entry that has a module. The first one before those of `directory` that has
/// one of `modules` ("kong/plugins/x/handler.lua", relative to `directory`), or nothing. Looks at
/// the disk.
std::optional<LuaPathShadow> shadow_before(const LuaSearch& search,
                                           const std::filesystem::path& directory,
                                           const std::vector<std::filesystem::path>& modules);

}  // namespace kongfleet::agent
