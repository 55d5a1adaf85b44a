// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace kongfleet::agent {

// What the daemon says of itself, one line each on stderr, where journald reads it: control
// characters are escaped, and under systemd each line begins with its priority (sd-daemon(3)). Who
// handles an error logs it, once.
void log_info(const std::string& text);
void log_warning(const std::string& text);
void log_error(const std::string& text);

}  // namespace kongfleet::agent
