// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/child_process.hpp"

#include "controller/ssh_fd.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace kongfleet::controller {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t errors_max = std::size_t{8} << 10;
constexpr std::size_t piece_bytes = std::size_t{64} << 10;

struct Pair {
  SshFd ours;
  SshFd theirs;
};

// A socket, not a pipe, for stdin: writing to a child that is gone then is an errno, no signal.
Pair make_pair_of_ends() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_errno("create a socket pair");
  }
  return {SshFd(ends[0]), SshFd(ends[1])};
}

// Of variables with one name the first counts.
std::vector<std::string> child_environment(std::vector<std::string> variables) {
  variables.insert(variables.end(), {"LC_ALL=C", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0"});
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with("GIT_") || text.starts_with("LC_ALL=")) continue;
    variables.emplace_back(text);
  }
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// A running child; ended and waited for by the time it is destroyed.
class Child {
public:
  Child(std::vector<std::string> argv, const ChildSurroundings& surroundings);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(own_group_ ? -pid_ : pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  }
  /// Feeds it, listens to it, waits for it.
  ChildResult run(std::string_view input, ChildLimits limits);

private:
  void exchange(std::string_view& input, ChildResult& result, ChildLimits limits,
                Steady::time_point deadline);
  bool listen(SshFd& fd, std::string& into, std::size_t most);
  int wait(ChildLimits limits, Steady::time_point deadline);
  void refuse_if_stopped(const pollfd& stop) const;
  int milliseconds_left(Steady::time_point deadline) const;

  std::string name_;
  bool own_group_;
  pid_t pid_ = 0;
  SshFd in_;
  SshFd out_;
  SshFd err_;
};

Child::Child(std::vector<std::string> argv, const ChildSurroundings& surroundings)
    : name_(argv.front()), own_group_(surroundings.own_group) {
  auto in = make_pair_of_ends();
  auto out = make_pair_of_ends();
  auto err = make_pair_of_ends();
  auto environment = child_environment(surroundings.variables);
  const auto argv_pointers = pointers(argv);
  const auto environment_pointers = pointers(environment);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.theirs.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.theirs.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.theirs.get(), STDERR_FILENO);
  if (!surroundings.directory.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&actions, surroundings.directory.c_str());
  }
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  // We ignore it, and exec would hand that on: a program that writes to `head` would go on for
  // ever.
  sigset_t to_default;
  sigemptyset(&to_default);
  sigaddset(&to_default, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &to_default);
  const int group = own_group_ ? POSIX_SPAWN_SETPGROUP : 0;
  ::posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSIGDEF | group));
  const int failure = ::posix_spawnp(&pid_, name_.c_str(), &actions, &attributes,
                                     argv_pointers.data(), environment_pointers.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    pid_ = 0;
    errno = failure;
    throw_errno("start", name_);
  }
  in_ = std::move(in.ours);
  out_ = std::move(out.ours);
  err_ = std::move(err.ours);
}

int Child::milliseconds_left(Steady::time_point deadline) const {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now()).count();
  if (left <= 0) throw Error("'" + name_ + "' takes too long; it was ended");
  return static_cast<int>(std::min<std::int64_t>(left, 1'000'000));
}

void Child::refuse_if_stopped(const pollfd& stop) const {
  if (stop.revents != 0) throw Error("'" + name_ + "' was ended, for we are to leave");
}

// Takes what is there; false at the end of the stream. Of what exceeds `most`, one byte is kept.
bool Child::listen(SshFd& fd, std::string& into, std::size_t most) {
  std::string piece(piece_bytes, '\0');
  const auto got = ::recv(fd.get(), piece.data(), piece.size(), 0);
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && errno != ECONNRESET) throw_errno("read from", name_);
  if (got <= 0) return false;
  const auto room = most + 1 - std::min(into.size(), most + 1);
  into.append(piece, 0, std::min(static_cast<std::size_t>(got), room));
  return true;
}

void Child::exchange(std::string_view& input, ChildResult& result, ChildLimits limits,
                     Steady::time_point deadline) {
  if (input.empty()) in_ = SshFd();
  while (out_ || err_) {
    // Negative descriptors are ignored by poll.
    std::array<pollfd, 4> polled = {{{in_.get(), POLLOUT, 0},
                                     {out_.get(), POLLIN, 0},
                                     {err_.get(), POLLIN, 0},
                                     {limits.stop, POLLIN, 0}}};
    const int ready = ::poll(polled.data(), polled.size(), milliseconds_left(deadline));
    if (ready < 0 && errno != EINTR) throw_errno("wait for", name_);
    if (ready <= 0) continue;
    refuse_if_stopped(polled[3]);
    if (polled[0].revents != 0) {
      const auto sent = ::send(in_.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
      const bool gone = sent < 0 && errno != EINTR && errno != EAGAIN;
      if (input.empty() || gone) in_ = SshFd();
    }
    if (polled[1].revents != 0 && !listen(out_, result.output, limits.output_bytes)) {
      out_ = SshFd();
    }
    if (polled[2].revents != 0 && !listen(err_, result.errors, errors_max)) err_ = SshFd();
    if (result.output.size() > limits.output_bytes && limits.excess == Excess::Refuse) {
      throw Error("'" + name_ + "' writes more than " + std::to_string(limits.output_bytes) +
                  " bytes; it was ended");
    }
  }
}

// It has closed its outputs; what is left to it of its time it may still use.
int Child::wait(ChildLimits limits, Steady::time_point deadline) {
  const SshFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  std::array<pollfd, 2> polled = {{{handle.get(), POLLIN, 0}, {limits.stop, POLLIN, 0}}};
  while (::poll(polled.data(), polled.size(), milliseconds_left(deadline)) <= 0) continue;
  refuse_if_stopped(polled[1]);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) throw_errno("wait for", name_);
  }
  pid_ = 0;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

ChildResult Child::run(std::string_view input, ChildLimits limits) {
  const auto deadline = Steady::now() + limits.time;
  ChildResult result;
  exchange(input, result, limits, deadline);
  result.errors.resize(std::min(result.errors.size(), errors_max));
  result.output.resize(std::min(result.output.size(), limits.output_bytes));
  in_ = SshFd();
  result.exit_code = wait(limits, deadline);
  return result;
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& argv, std::string_view input,
                      ChildLimits limits, const ChildSurroundings& surroundings) {
  Child child(argv, surroundings);
  return child.run(input, limits);
}

}  // namespace kongfleet::controller
