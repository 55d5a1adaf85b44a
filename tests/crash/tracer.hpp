// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/child.hpp"
#include "tests/crash/mutating_call.hpp"

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

namespace kongfleet::crash {

/// What becomes of a mutating call.
struct Fate {
  enum Kind {
    Go,
    KillAll,      // everything traced dies before the call is made
    Fail,         // the call is not made; it returns `error`
    Pretend,      // the call is not made; it returns success
    WithoutExcl,  // the call is made, with O_EXCL taken out of its flags
  } kind = Go;
  int error = 0;
};

/// Decides each mutating call of what is traced, in the order they are made, with the caller
/// stopped: what it does itself is done before the call. It runs in another thread than the rest of
/// the proof.
using Decide = std::function<Fate(const MutatingCall&)>;

/// A program that runs under our eyes, with all its threads and the programs it starts: one
/// sequence of mutating calls over all of them. Only what concerns files below `scope` is counted,
/// and signals.
class TracedProcess final : public Process {
public:
  TracedProcess(const Command& command, std::filesystem::path scope, Decide decide);
  ~TracedProcess() override { TracedProcess::kill(); }

  pid_t pid() const override { return pid_; }
  std::optional<int> wait(Clock::time_point deadline) override;
  /// Ends everything traced; comes back when all of it is dead.
  void kill() override;
  std::size_t calls() const { return calls_; }

private:
  void launch(const Command& command);
  void follow();
  bool stopped(pid_t thread, int status);
  bool decide(pid_t thread);
  void kill_all();

  const std::filesystem::path scope_;
  const Decide decide_;
  std::atomic<pid_t> pid_ = 0;
  std::atomic<int> status_ = -1;
  std::atomic<bool> doomed_ = false;
  std::atomic<std::size_t> calls_ = 0;
  std::set<pid_t> threads_;  // the tracer's own
  std::string failure_;      // why it could not be started
  std::thread tracer_;
};

}  // namespace kongfleet::crash
