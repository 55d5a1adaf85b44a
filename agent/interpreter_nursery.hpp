// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace kongfleet::agent {

/// What the daemon asks of its factory (agent/interpreter_factory.hpp), one packet each.
struct NurseryRequest {
  enum Kind : std::uint64_t { Start, Over };
  std::uint64_t number;  // of the conversation
  Kind kind;             // with Start come two descriptors: the peer's socket and the channel
};

/// The factory's own side, in the process that was forked for it: makes interpreters and waits for
/// their end until the daemon closes `requests`. Returns in no process.
[[noreturn]] void run_nursery(int requests, pid_t daemon);

}  // namespace kongfleet::agent
