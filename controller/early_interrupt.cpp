// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/early_interrupt.hpp"

#include "controller/exit_code.hpp"

#include <unistd.h>

#include <csignal>
#include <sstream>

namespace kongfleet::controller {

namespace {

// Put together before: a handler may do next to nothing (signal-safety(7)).
std::string last_word;
int where = STDERR_FILENO;

void leave(int /*signal*/) {
  [[maybe_unused]] const auto written = ::write(where, last_word.data(), last_word.size());
  ::_exit(exit_code::interrupted);
}

}  // namespace

void tell_early_interrupt(const Answer& answer, const std::string& command) {
  std::ostringstream text;
  answer_mistake({answer.format, text, text}, command, "interrupted; nothing was touched");
  last_word = text.str();
  where = answer.format == OutputFormat::Json ? STDOUT_FILENO : STDERR_FILENO;
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    if (now.sa_handler == SIG_IGN) continue;
    now.sa_handler = leave;
    ::sigaction(signal, &now, nullptr);
  }
}

}  // namespace kongfleet::controller
