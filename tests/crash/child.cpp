// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/child.hpp"

#include "proto/error.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

namespace kongfleet::crash {

namespace {

constexpr auto run_limit = std::chrono::seconds(20);
constexpr int output_flags = O_WRONLY | O_CREAT | O_APPEND;
constexpr mode_t output_mode = 0600;

/// A command as execve takes it; `command` must outlive it.
struct Invocation {
  explicit Invocation(const Command& command)
      : output(command.log.empty() ? "/dev/null" : command.log.c_str()) {
    for (const auto& word : command.argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
  }
  Invocation(const Invocation&) = delete;
  Invocation& operator=(const Invocation&) = delete;

  std::vector<char*> words;
  char path[80] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* environment[2] = {path, nullptr};
  const char* output;
};

// A fork copies the page tables of a test that holds much, thousands of times: more work than all
// that the agent does.
pid_t spawn(const Command& command) {
  const Invocation invocation(command);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, 1, invocation.output, output_flags, output_mode);
  ::posix_spawn_file_actions_adddup2(&files, 1, 2);
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, invocation.words.front(), &files, nullptr,
                                   invocation.words.data(), invocation.environment);
  ::posix_spawn_file_actions_destroy(&files);
  errno = failed;
  if (failed != 0) throw_errno("start", command.argv.front());
  return pid;
}

}  // namespace

pid_t start(const Command& command, const std::function<void()>& before_exec) {
  const Invocation invocation(command);
  const pid_t pid = ::fork();
  if (pid < 0) throw_errno("start", command.argv.front());
  if (pid > 0) return pid;
  const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int out = ::open(invocation.output, output_flags | O_CLOEXEC, output_mode);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  before_exec();
  ::execve(invocation.words.front(), invocation.words.data(), invocation.environment);
  ::_exit(127);
}

Child::Child(const Command& command) : pid_(spawn(command)) {}

void Child::kill() {
  if (status_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = status;
}

std::optional<int> Child::wait(Clock::time_point deadline) {
  comes_true(
      [this] {
        int status = 0;
        if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
        return status_.has_value();
      },
      deadline);
  return status_;
}

void run(const std::vector<std::string>& argv) {
  Child child({argv, ""});
  const auto status = child.wait(Clock::now() + run_limit);
  if (status == 0) return;
  std::string words;
  for (const auto& word : argv) words += (words.empty() ? "" : " ") + word;
  throw Error("run '" + words + "': " + (status ? ending_of(*status) : "it does not end"));
}

std::string ending_of(int status) {
  if (!WIFSIGNALED(status)) return "exit code " + std::to_string(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  return "signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
}

bool comes_true(const std::function<bool()>& come, Clock::time_point deadline) {
  while (!come()) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace kongfleet::crash
