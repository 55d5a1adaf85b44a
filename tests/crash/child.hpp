// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::crash {

using Clock = std::chrono::steady_clock;

/// What is started: its environment is PATH alone; what it prints goes to `log`, a file, or to
/// nowhere.
struct Command {
  std::vector<std::string> argv;
  std::string log;
};

/// A program of ours that runs: killed and reaped with the object.
class Process {
public:
  Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  virtual ~Process() = default;
  virtual pid_t pid() const = 0;
  /// Its wait status once it has ended, at the latest at `deadline`.
  virtual std::optional<int> wait(Clock::time_point deadline) = 0;
  virtual void kill() = 0;
  bool ended() { return wait(Clock::now()).has_value(); }
};

class Child final : public Process {
public:
  explicit Child(const Command& command);
  ~Child() override { Child::kill(); }
  pid_t pid() const override { return pid_; }
  std::optional<int> wait(Clock::time_point deadline) override;
  void kill() override;

private:
  pid_t pid_;
  std::optional<int> status_;
};

/// Forks and executes. `before_exec` runs in the child, where only async-signal-safe calls are
/// allowed.
pid_t start(const Command& command, const std::function<void()>& before_exec);

/// Runs a program to its end. Throws Error when that is not exit code 0 within 20 seconds.
void run(const std::vector<std::string>& argv);

/// "exit code 1", "signal 9 (Killed)".
std::string ending_of(int status);

/// Looks every millisecond until `come` is true. False when it is not by the deadline.
bool comes_true(const std::function<bool()>& come, Clock::time_point deadline);

}  // namespace kongfleet::crash
