// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/kong_conf.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kongfleet::agent {

/// What Kong takes for a key that kong.conf does not set (kong/templates/kong_defaults.lua, 2.8
/// to 3.9).
inline constexpr std::string_view default_lua_package_path = "./?.lua;./?/init.lua;";
inline constexpr std::string_view default_plugins = "bundled";

/// nginx refuses a token of 4,096 bytes; Kong adds ";", LUA_PATH and ";;" to the path.
inline constexpr std::size_t lua_package_path_bytes_max = 3500;

/// What kongfleet wants of kong.conf.
struct Change {
  std::string
      generations_root;  // e.g. "/var/lib/kongfleet/generations": path entries below it are ours
  std::string generation_dir;  // a directory below it; "" = none: back to the baseline
  std::vector<std::string>
      remove_plugins;                    // names of ours that leave; one that is also added stays
  std::vector<std::string> add_plugins;  // names that must be listed
};

/// Nothing, or why kongfleet itself must not ask for this: paths are absolute, of [A-Za-z0-9_./-],
/// without "//", "." or ".."; names are [a-z0-9][a-z0-9_-]*, and not Kong's words `bundled` and
/// `off`.
std::optional<ConfProblem> check_change(const Change& change);

/// Why a value, as it is written in a file, can't be edited as text whatever the file is: quotes,
/// control characters, '\' (but for kong.conf's "\#"), vault references. Empty when it can.
std::string why_unsafe(std::string_view written);

/// A new value as it is written in the file, or why it cannot be (the line is the caller's to fill
/// in).
using Rewritten = std::variant<std::string, ConfProblem>;

/// Ours first (`DIR/?.lua;DIR/?/init.lua;`), then what the user wrote, without any older entry of
/// ours. `written` is the value as it stands in the file. Refused when the result is too long for
/// nginx.
Rewritten path_with(std::string_view written, const Change& change);

/// The list with our names that leave taken out and those that must be listed appended; order and
/// spelling of everything else stay. `off` as first item (Kong then loads nothing at all) gives way
/// to ours when it stands alone and is refused otherwise; a list that would become empty says
/// `off`, because Kong's workers do not see an empty one (.kong_env omits it) and take the default
/// `bundled` instead.
Rewritten plugins_with(std::string_view written, const Change& change);

}  // namespace kongfleet::agent
