// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/command_line.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>

namespace kongfleet::controller {

/// What JSON documents of ours begin with: {"schema": "kongfleet/1", …}. A field that is there
/// stays, with its meaning; new ones may come.
constexpr const char* json_schema = "kongfleet/1";

/// Where a command's answer goes: `out` is the answer, `err` is for people while they wait, and for
/// mistakes.
struct Answer {
  OutputFormat format;
  std::ostream& out;
  std::ostream& err;
};

/// Tells that `command` could not do its work, and why, as one line: "kongfleet: WHY" on stderr, or
/// {"schema", "command", "ok": false, "error": WHY} on stdout.
void answer_mistake(const Answer& answer, const std::string& command, const std::string& why);

/// "1 file", "2 files"; large numbers with commas between thousands.
std::string counted(std::uint64_t number, const std::string& thing);

}  // namespace kongfleet::controller
