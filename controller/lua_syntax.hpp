// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/plugin_lint.hpp"
#include "controller/plugin_tree.hpp"

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// A Lua whose language is Kong's: luajit or lua5.1 from the directories of `path` (PATH), else
/// OpenResty's own. Nothing when there is none: a rollout does not depend on it, since every host
/// checks the syntax again with the Lua that will run the plugin.
std::optional<std::filesystem::path> find_lua(std::string_view path);

/// Has `lua` compile, and not run, every *.lua file of the tree, all in one process; an Error
/// finding for each that does not compile. Throws Error when `lua` cannot be run.
std::vector<Finding> check_lua_syntax(const PluginTree& tree, const std::filesystem::path& lua);

}  // namespace kongfleet::controller
