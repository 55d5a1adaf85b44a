// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"

#include <sys/types.h>

#include <functional>

namespace kongfleet::agent {

/// The process that makes an interpreter (agent/interpreter.hpp) for each conversation: a fork of
/// the daemon from before it had threads or held anything, confined like its children
/// (agent/sandbox.hpp). Daemon, factory, interpreter: each dies with the one before. It logs by
/// itself how an interpreter ended, where that was not by itself.
class InterpreterFactory {
public:
  /// Forks: for a process with one thread, which may not end before the process. Throws Error.
  InterpreterFactory();
  /// Ends it, and all its interpreters with it.
  ~InterpreterFactory();
  InterpreterFactory(const InterpreterFactory&) = delete;
  InterpreterFactory& operator=(const InterpreterFactory&) = delete;

  /// Has an interpreter speak with `peer`: our end of the channel to it. One that can't be made
  /// closes both. Throws Error.
  Fd start(const Fd& peer, unsigned long number) const;
  /// That conversation is over: an interpreter that does not see that is ended, after it had time
  /// for the last words to its peer. Never throws.
  void over(unsigned long number) const noexcept;
  /// Readable once the factory has died; the daemon can't go on then.
  int death() const { return requests_.get(); }
  pid_t pid() const { return pid_; }

private:
  Fd requests_;
  pid_t pid_ = -1;
};

}  // namespace kongfleet::agent
