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

/// A program of ours that runs: killed and reaped with this object. Its environment is PATH alone;
/// what it prints goes to `log`, a file, or to nowhere.
class Child {
public:
  /// `before_exec` runs in the child, where only async-signal-safe calls are allowed.
  Child(const std::vector<std::string>& argv, const std::string& log,
        const std::function<void()>& before_exec = {});
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  pid_t pid() const { return pid_; }
  /// Its wait status once it has ended, at the latest at `deadline`.
  std::optional<int> wait(Clock::time_point deadline);
  bool ended() { return wait(Clock::now()).has_value(); }
  void kill();

private:
  pid_t pid_ = -1;
  std::optional<int> status_;
};

/// Runs a program to its end. Throws Error when that is not exit code 0 within 20 seconds.
void run(const std::vector<std::string>& argv);

/// "exit code 1", "signal 9 (Killed)".
std::string ending_of(int status);

/// Looks every millisecond until `come` is true. False when it is not by the deadline.
bool comes_true(const std::function<bool()>& come, Clock::time_point deadline);

}  // namespace kongfleet::crash
