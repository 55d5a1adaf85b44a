// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// Where in a file a value can be replaced: the bytes [begin, end) are the value itself, letter for
/// letter, and `quote` is what stands on both sides of it (or of the whole assignment), or 0.
struct ValuePlace {
  std::size_t begin = 0;
  std::size_t end = 0;
  char quote = 0;
};

/// A NAME=VALUE of an environment file, or of an Environment= line of a unit.
struct EnvironmentAssignment {
  std::string name;
  std::string value;
  unsigned line = 0;                // where it begins, 1-based
  std::size_t line_end = 0;         // where its line ends: '\n' or the end of the file
  std::optional<ValuePlace> place;  // nothing: escapes, pieces or joined lines make up the value
  bool after_comment = false;  // the line before is a comment that ends in '\': systemd before 254
                               // takes this line for a part of it
};

/// Whether systemd takes it for a variable's name: a letter or '_', then letters, digits and '_'.
bool is_variable_name(std::string_view name);

/// What an EnvironmentFile= of a unit assigns, in the order of the file, as systemd reads it
/// (systemd.exec(5)), which is not as a shell does: no `export`, no comment behind a value, quotes
/// only at the beginning of a value, and they end on another line when they end there.
std::vector<EnvironmentAssignment> parse_environment_file(std::string_view text);

/// A line of such a file that sets `name` to any `value`: what is read from it is the same again.
std::string environment_file_line(std::string_view name, std::string_view value);

}  // namespace kongfleet::agent
