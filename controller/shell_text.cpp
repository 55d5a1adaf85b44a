// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/shell_text.hpp"

namespace kongfleet::controller {

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string shell_command(const std::string& script, bool sudo) {
  return (sudo ? "sudo -n sh -c " : "sh -c ") + shell_quoted(script);
}

}  // namespace kongfleet::controller
