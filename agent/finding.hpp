// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace kongfleet::agent {

/// One reason not to go on (or, among warnings, to know of), for the person who must act.
struct Finding {
  std::string code;    // "syntax", "load", "shadow", "override", "conf", "space", "unreadable", …
  std::string plugin;  // or empty
  std::string file;    // path inside the plugin tree where it can be told, else absolute, or empty
  unsigned line = 0;   // 0: unknown
  std::string text;    // what is wrong, in Kong's own words where there are any
  std::string advice;  // what would be right
  bool warning = false;  // worth knowing, no reason to stop
};

/// "PLUGIN: FILE:LINE: TEXT (ADVICE)", what is empty left out.
std::string sentence(const Finding& finding);

}  // namespace kongfleet::agent
