// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/lua_tokens.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// What can be told of a handler.lua without running it.
struct LuaField {
  std::size_t line;
  std::optional<std::string>
      text;               // of a string or a number, as written; nothing when it is computed
  std::size_t depth = 0;  // brackets around it: 1 in `return { NAME = … }`
};

/// Every assignment to the field `name`: in a table constructor, as `Handler.NAME = …`, or as a
/// function `function Handler:NAME(`. A plain variable of that name is no field.
std::vector<LuaField> lua_fields(const std::vector<LuaToken>& tokens, std::string_view name);

/// A `require "module"` whose argument is a plain string and which no pcall guards.
struct LuaRequire {
  std::size_t line;
  std::string module;
};
std::vector<LuaRequire> lua_requires(const std::vector<LuaToken>& tokens);

/// The line of the first `...` that is no function's but of the file: what `require` tells a module
/// of itself. Nothing when there is none.
std::optional<std::size_t> lua_file_arguments(const std::vector<LuaToken>& tokens);

/// The text assigned to the field VERSION in a handler.lua, directly or through a local that holds
/// a string. Comments and strings are not mistaken for code. Nothing when there is none, when it is
/// computed, or when there are several that differ.
std::optional<std::string> handler_version(std::string_view handler_lua);

}  // namespace kongfleet::controller
