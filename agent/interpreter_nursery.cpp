// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/interpreter_nursery.hpp"

#include "agent/interpreter.hpp"
#include "agent/log.hpp"
#include "agent/sandbox.hpp"
#include "proto/digest.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>

namespace kongfleet::agent {

namespace {

using NurseryClock = std::chrono::steady_clock;

// The daemon lets 32 speak at once; some may still be at their last words, for 30 s at the most.
constexpr std::size_t interpreters_max = 64;
constexpr auto last_words_max = std::chrono::seconds(40);

// Beyond the process as it was forked: 28 MiB were seen for 26,490 files in two manifests, as much
// as a frame holds; zstd has a window of 8 (proto/zstd_stream.cpp). Twice that and more.
constexpr std::uint64_t interpreter_memory = std::uint64_t{96} << 20;

struct Interpreting {
  std::uint64_t number;
  std::optional<NurseryClock::time_point> end_by;
};

/// The address space of this process (proc(5), statm), in bytes.
std::uint64_t address_space() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Dies with its parent (prctl(2)), which may be dead by now. After a change of user, which undoes
/// it.
void die_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
}

class Nursery {
public:
  /// `exposed`: why it is not confined, and makes no interpreter therefore; empty where it is.
  Nursery(int requests, int children, std::uint64_t memory_max, std::string exposed)
      : requests_(requests),
        children_(children),
        memory_max_(memory_max),
        exposed_(std::move(exposed)) {}
  void run();

private:
  bool obey();
  void start(std::uint64_t number, const std::array<int, 2>& passed);
  void make_room();
  [[noreturn]] void interpret(const std::array<int, 2>& passed, pid_t parent) const;
  void reap();
  void end_overdue();

  int requests_;
  int children_;
  std::uint64_t memory_max_;
  std::string exposed_;
  std::map<pid_t, Interpreting> interpreting_;
};

void Nursery::run() {
  constexpr int look_ms = 5000;  // for overdue ones
  while (true) {
    pollfd fds[] = {{requests_, POLLIN, 0}, {children_, POLLIN, 0}};
    if (::poll(fds, 2, interpreting_.empty() ? -1 : look_ms) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) reap();
    end_overdue();
    if (fds[0].revents != 0 && !obey()) return;
  }
}

bool Nursery::obey() {
  NurseryRequest request{};
  std::array<int, 2> passed{-1, -1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof passed)];
  iovec bytes{&request, sizeof request};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const auto got = ::recvmsg(requests_, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (got != sizeof request) return false;  // 0: the daemon is gone
  if (request.kind == NurseryRequest::Over) {
    for (auto& [pid, child] : interpreting_)
      if (child.number == request.number) child.end_by = NurseryClock::now() + last_words_max;
    return true;
  }
  const auto* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_len != CMSG_LEN(sizeof passed)) return true;
  std::memcpy(passed.data(), CMSG_DATA(header), sizeof passed);
  start(request.number, passed);
  for (const int fd : passed) ::close(fd);
  return true;
}

void Nursery::start(std::uint64_t number, const std::array<int, 2>& passed) {
  const auto name = "interpreter of conversation " + std::to_string(number);
  if (!exposed_.empty()) return log_warning("no " + name + ": " + exposed_);
  make_room();
  if (interpreting_.size() >= interpreters_max) return log_warning("no " + name + ": too many");
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) interpret(passed, parent);
  if (pid < 0) return log_warning("no " + name + ": " + std::strerror(errno));
  interpreting_[pid] = {number, std::nullopt};
}

// Peers that do not take their last words must not keep others from their first.
void Nursery::make_room() {
  if (interpreting_.size() < interpreters_max) return;
  const auto sooner = [](const auto& one, const auto& other) {
    const auto never = NurseryClock::time_point::max();
    return one.second.end_by.value_or(never) < other.second.end_by.value_or(never);
  };
  const auto first = std::min_element(interpreting_.begin(), interpreting_.end(), sooner);
  if (!first->second.end_by) return;
  ::kill(first->first, SIGKILL);
  interpreting_.erase(first);
}

void Nursery::interpret(const std::array<int, 2>& passed, pid_t parent) const {
  die_with(parent);
  ::prctl(PR_SET_NAME, "kf-interpreter");
  try {
    keep_descriptors({passed[0], passed[1], STDERR_FILENO});
    confine_interpreter(memory_max_);
  } catch (const std::exception& error) {
    log_error(std::string("no interpreter, which could not be confined: ") + error.what());
    ::_exit(1);
  }
  ::close(STDERR_FILENO);
  Interpreter(Fd(0), Fd(1)).run();
  ::_exit(0);
}

void Nursery::reap() {
  signalfd_siginfo ignored;
  while (::read(children_, &ignored, sizeof ignored) > 0) {
  }
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto child = interpreting_.find(pid);
    if (child == interpreting_.end()) continue;
    const auto name = "interpreter of conversation " + std::to_string(child->second.number);
    if (WIFSIGNALED(status)) {
      const int number = WTERMSIG(status);
      log_warning(name + ": killed by signal " + std::to_string(number) + " (" +
                  ::strsignal(number) + ")");
    }
    interpreting_.erase(child);
  }
}

void Nursery::end_overdue() {
  for (const auto& [pid, child] : interpreting_)
    if (child.end_by && *child.end_by < NurseryClock::now()) ::kill(pid, SIGKILL);
}

// A terminal's or systemd's signals go to all processes: the daemon's end is what counts here.
int hear_of_children() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  return ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void nurse(int requests, pid_t daemon) {
  std::string exposed;
  const auto step = [&exposed](const std::function<void()>& work) {
    try {
      if (exposed.empty()) work();
    } catch (const std::exception& error) {
      exposed = error.what();
    }
  };
  step(drop_privileges);
  die_with(daemon);
  ::prctl(PR_SET_NAME, "kf-factory");
  const auto memory = address_space() + interpreter_memory;
  // What opens files at its first use: the logger's clock, and OpenSSL, which has the digests.
  ::tzset();
  sha256("");
  const int children = hear_of_children();
  // The logger writes to 2, where standard error was.
  keep_descriptors({requests, children, STDERR_FILENO});
  step(confine_factory);
  // It stays, and with it the daemon, which takes back what is in trial.
  if (!exposed.empty()) log_error("nobody is served, for want of a sandbox: " + exposed);
  Nursery(0, 1, memory, exposed).run();
}

}  // namespace

void run_nursery(int requests, pid_t daemon) {
  try {
    nurse(requests, daemon);
  } catch (const std::exception& error) {
    log_error(std::string("the interpreters' factory: ") + error.what());
  }
  ::_exit(0);
}

}  // namespace kongfleet::agent
