// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/environment_file.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// A `Key=Value` of a systemd unit file, as systemd.syntax(7) has it, and where it stands.
struct UnitSetting {
  std::string section;       // "Service"
  std::string key;           // "Environment"
  std::string value;         // lines that end in '\' joined by a blank; no blanks around it
  unsigned line = 0;         // where it begins, 1-based
  unsigned last_line = 0;    // where it ends: later than `line` when lines were joined
  std::size_t begin = 0;     // of a setting on one line: where `value` stands in the file; else 0
  std::size_t line_end = 0;  // and there the line ends: '\n' or the end of the file
};

/// Every setting of a unit file, in the order of the file. Lines that are none, or that stand
/// before the first [Section], say nothing to systemd and are left out.
std::vector<UnitSetting> parse_unit_file(std::string_view text);

/// A word of a setting's value.
struct UnitWord {
  std::string text;       // quotes and C-style escapes taken out
  std::size_t begin = 0;  // the bytes of the value [begin, end) that say it
  std::size_t end = 0;
};

/// The words of a value such as that of Environment=. What stands behind a mistake (a quote that
/// nothing closes, an unknown escape) is lost, as it is for systemd.
std::vector<UnitWord> words_of(std::string_view value);

/// What the Environment= lines of a unit file assign, in the order of the file, up to where an
/// empty `Environment=` would forget it. `settings` are those of the file. Specifiers ('%') stay as
/// they are.
std::vector<EnvironmentAssignment> unit_assignments(const std::vector<UnitSetting>& settings);

/// Whether a setting is one of [Service] with that key: keys of other sections mean nothing there.
bool is_service_setting(const UnitSetting& setting, std::string_view key);

}  // namespace kongfleet::agent
