// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/plugin_tree.hpp"
#include "proto/names.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

enum class Severity {
  Warning,  // it may work, or works with some versions of Kong
  Error     // Kong is sure to refuse it, or it can be no release
};

struct Finding {
  Severity severity;
  std::string file;      // relative to the tree
  std::size_t line = 0;  // 0: the file as a whole
  std::string text;
  bool operator==(const Finding&) const = default;
};

/// What the fleet file says of the tree.
struct LintSubject {
  PluginName name;
  std::optional<Version> version;
};

/// Looks at a plugin without running it, for what Kong 2.8 to 3.9 would stumble over; sorted by
/// file and line. Pure. What it cannot tell (a computed VERSION, a module that is Kong's own) it
/// says nothing about, or warns. Lua syntax is lua_syntax.hpp's part.
std::vector<Finding> lint_plugin(const PluginTree& tree, const LintSubject& subject);

/// "kong/plugins/x/handler.lua:7: error: …", with no line when there is none.
std::string text_of(const Finding& finding);

bool has_errors(const std::vector<Finding>& findings);

}  // namespace kongfleet::controller
