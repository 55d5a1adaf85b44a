// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"

#include <string>

namespace kongfleet::controller {

/// For a command that looks at its hosts before it changes them: until its run handles SIGINT and
/// SIGTERM itself, either of them ends the program with exit code 130 and, in place of its answer,
/// that nothing was touched. A signal that was ignored when we were started stays ignored.
void tell_early_interrupt(const Answer& answer, const std::string& command);

}  // namespace kongfleet::controller
