// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/journal_socket.hpp"

#include <cstdint>
#include <string>

namespace kongfleet::agent {

// What the daemon says of itself, one line each: control characters are escaped. Under systemd it
// goes to journald with fields of its own, KONGFLEET_TRANSACTION, KONGFLEET_ROLLOUT and
// KONGFLEET_GENERATION; where journald is not reached (the interpreters see no file), and
// elsewhere, to stderr, under systemd with its priority before it (sd-daemon(3)). Who handles an
// error logs it, once.
void log_info(const std::string& text);
void log_warning(const std::string& text);
void log_error(const std::string& text);

/// As long as it lives, what this thread logs is about that transaction.
class LogSubject {
public:
  LogSubject(const std::string& transaction, std::uint64_t generation);
  ~LogSubject();
  LogSubject(const LogSubject&) = delete;
  LogSubject& operator=(const LogSubject&) = delete;

private:
  JournalFields before_;
};

/// What journald is told of one line. `priority`: "<6>".
JournalFields log_fields(const std::string& priority, const std::string& text);

}  // namespace kongfleet::agent
