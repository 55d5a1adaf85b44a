// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace kongfleet::power {

/// A system call of a traced program. Its thread stands still while a watcher looks.
struct SystemCall {
  pid_t process = 0;
  pid_t thread = 0;
  long number = -1;
  std::array<std::uint64_t, 6> arguments{};
  bool entering = true;     // false: it has returned
  std::int64_t result = 0;  // of one that has returned; -errno

  /// The string, or the bytes, that argument `index` points to. Throw Error.
  std::string text(std::size_t index) const;
  std::string bytes(std::size_t index, std::size_t count) const;
  int descriptor(std::size_t index) const { return static_cast<int>(arguments[index]); }
  /// What descriptor `fd` of the program leads to: an absolute path, with " (deleted)" where it has
  /// no name any more.
  std::string path_of(int fd) const;
  /// The path that argument `index` names, `directory` being the descriptor it is relative to.
  std::filesystem::path path(int directory, std::size_t index) const;
};

/// A program whose own system calls, of all its threads, are looked at one by one (ptrace). The
/// programs it starts are not.
class TracedProgram {
public:
  using Watcher = std::function<void(const SystemCall&)>;
  struct Options {
    std::filesystem::path log;   // what it prints is appended there
    std::set<long> unsupported;  // system calls that its kernel does not know (ENOSYS)
    std::set<long> swallowed;    // and those that do nothing, but tell it they did
  };
  /// Starts it. `watch` sees each system call twice, on another thread; what it throws ends the
  /// program and comes out of wait().
  TracedProgram(std::vector<std::string> command, Options options, Watcher watch);
  /// Kills what still runs.
  ~TracedProgram();
  TracedProgram(const TracedProgram&) = delete;
  TracedProgram& operator=(const TracedProgram&) = delete;

  bool runs() const;
  void kill();
  /// Waits for its end and returns its exit code, or 128 and the signal that killed it. Throws what
  /// the watcher threw. Once.
  int wait();

private:
  void start();
  int follow(const Watcher& watch);

  std::vector<std::string> command_;
  Options options_;
  pid_t pid_ = 0;
  std::thread thread_;
  std::future<int> end_;
};

}  // namespace kongfleet::power
