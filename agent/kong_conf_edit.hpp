// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/kong_conf.hpp"
#include "agent/kong_conf_values.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace kongfleet::agent {

/// A line of kong.conf that an edit changed or added, without its line end.
struct LineDiff {
  std::size_t line;                   // 1-based, in the edited text
  std::optional<std::string> before;  // nullopt: the line is new
  std::string after;
};

/// An edited kong.conf. The effective values are what Kong reads from `text`.
struct Edited {
  std::string text;
  std::string lua_package_path;
  std::string plugins;
  std::vector<LineDiff> lines;  // empty: nothing had to change, and `text` is what came in
};

/// Makes `change` in a kong.conf. Only our part of the winning `lua_package_path` and `plugins`
/// changes, in place; every other byte stays. A key the file lacks is appended with Kong's default
/// merged in, so both are explicit afterwards. Asked again for the same change, it gives the same
/// text.
///
/// Refused, with line, reason and what would be right: whatever we could not edit and be sure of
/// what Kong reads then ([section], byte order mark, NUL, CR-only, lines joined with ours, quotes,
/// vault references, …), and changes that are wrong in themselves (kong_conf_values.hpp). The
/// result has been read again in both dialects: all other keys say what they said before, and the
/// lines we touched say the same in both. Otherwise a ConfProblem that begins with "internal:".
std::variant<Edited, ConfProblem> edit(std::string_view text, ConfDialect dialect,
                                       const Change& change);

/// What an edit meant to do, for `check_edit`.
struct Intended {
  std::string lua_package_path;
  std::string plugins;
  bool path_touched;  // whether its line was changed or added
  bool plugins_touched;
};

/// The last line of defence of `edit`: nothing when `after` differs from `before` as intended, read
/// in both dialects. A line that was not touched may say different things in the two, as it did
/// before.
std::optional<ConfProblem> check_edit(std::string_view before, std::string_view after,
                                      ConfDialect dialect, const Intended& intended);

}  // namespace kongfleet::agent
