// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace kongfleet::power {

/// Says from which lines of its source a program's thread came to where it stands. The program must
/// have line tables (-g1).
class CallStack {
public:
  CallStack();
  ~CallStack();
  CallStack(const CallStack&) = delete;
  CallStack& operator=(const CallStack&) = delete;

  struct Frame {
    std::string function;  // "LiveFile::exchange"
    std::string line;      // "live_file.cpp:97"
  };
  /// The frames of the project's own code, innermost first. `thread` of `process` stands still,
  /// traced by the caller. Throws Error where nothing is known of it.
  std::vector<Frame> frames(pid_t process, pid_t thread);

private:
  struct Program;
  std::unique_ptr<Program> program_;  // of the process asked about last
};

}  // namespace kongfleet::power
