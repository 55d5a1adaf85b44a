// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/managed_file.hpp"

#include <string_view>
#include <variant>

namespace kongfleet::agent {

inline constexpr std::string_view path_variable = "KONG_LUA_PACKAGE_PATH";
inline constexpr std::string_view plugins_variable = "KONG_PLUGINS";

/// What a unit file, drop-in or environment file sets for the two variables: the last one wins.
KeyValues environment_values(std::string_view text, ConfigurationKind kind);

/// edit() of kong_conf_edit.hpp for the two variables in a unit file, drop-in or environment file.
/// Only our part of their values changes, in place and in the quotes they have; every other byte
/// stays. A variable the file lacks gets a line below the other one's, with `file.elsewhere` merged
/// in, so both are explicit afterwards. Asked again for the same change, it gives the same text.
///
/// Refused, with line, reason and what would be right: a file that sets neither of them, or one of
/// them twice, or takes one away again (UnsetEnvironment=); joined lines, escapes, and values put
/// together of several pieces; specifiers ('%') in a unit; what Kong's own rules forbid in a value;
/// bytes that systemd would stumble over. The result has been read again: it says what it said
/// before, and what was intended for ours. Otherwise a ConfProblem that begins with "internal:".
std::variant<Edited, ConfProblem> edit_environment(std::string_view text, const ManagedFile& file,
                                                   const Change& change);

/// The last line of defence of an edit: `edited` as it is when its text, read again, says once what
/// was meant for each of the two variables, and of everything else what `before` says; a
/// ConfProblem that begins with "internal:" otherwise.
std::variant<Edited, ConfProblem> checked(std::string_view before, Edited edited,
                                          ConfigurationKind kind);

/// A line that sets a variable, as it is written in such a file.
std::string assignment_line(ConfigurationKind kind, std::string_view name, std::string_view value);

}  // namespace kongfleet::agent
