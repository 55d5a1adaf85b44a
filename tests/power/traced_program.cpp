// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/traced_program.hpp"

#include "proto/error.hpp"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <exception>
#include <map>

namespace kongfleet::power {

namespace fs = std::filesystem;

namespace {

constexpr int trace_options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
constexpr std::size_t page = 4096;  // a string is read up to the end of its page, then further

std::size_t read_memory(pid_t thread, std::uint64_t address, char* into, std::size_t count) {
  const iovec here{into, count};
  const iovec there{reinterpret_cast<void*>(address), count};
  const auto got = ::process_vm_readv(thread, &here, 1, &there, 1, 0);
  if (got < 0) throw_errno("read the memory of thread " + std::to_string(thread));
  return static_cast<std::size_t>(got);
}

std::string link_target(const std::string& link) {
  char target[PATH_MAX];
  const auto length = ::readlink(link.c_str(), target, sizeof target);
  if (length < 0) throw_errno("read link", link);
  return {target, static_cast<std::size_t>(length)};
}

// In the new process, between fork and exec: waits until it is traced.
[[noreturn]] void become(const std::vector<std::string>& command, const char* log, int go) {
  char ready = 0;
  const int output = ::open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) ::_exit(127);
  if (::read(go, &ready, 1) != 1) ::_exit(127);
  std::vector<char*> argv;
  for (const auto& part : command) argv.push_back(const_cast<char*>(part.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

// Fills in `call` from a thread that stands at a system call. False: it was killed standing there.
bool look(SystemCall& call) {
  __ptrace_syscall_info info{};
  const auto got = ::ptrace(PTRACE_GET_SYSCALL_INFO, call.thread, sizeof info, &info);
  if (got < 0 && errno == ESRCH) return false;
  if (got < 0) throw_errno("look at a system call of thread " + std::to_string(call.thread));
  call.entering = info.op == PTRACE_SYSCALL_INFO_ENTRY;
  if (call.entering) {
    call.number = static_cast<long>(info.entry.nr);
    std::copy(std::begin(info.entry.args), std::end(info.entry.args), call.arguments.begin());
  } else {
    call.result = info.exit.rval;
  }
  return true;
}

void set_register(pid_t thread, std::size_t place, long value) {
  if (::ptrace(PTRACE_POKEUSER, thread, place, value) != 0) throw_errno("set a register");
}

// Keeps a thread from what it asks of the kernel; how it is told so.
void meddle(const SystemCall& call, const TracedProgram::Options& options) {
  const bool swallowed = options.swallowed.contains(call.number);
  const bool refused = swallowed || options.unsupported.contains(call.number);
  // A system call that no kernel has: ENOSYS.
  if (call.entering && refused) set_register(call.thread, offsetof(user, regs.orig_rax), -1);
  if (!call.entering && swallowed) set_register(call.thread, offsetof(user, regs.rax), 0);
}

}  // namespace

std::string SystemCall::bytes(std::size_t index, std::size_t count) const {
  std::string content(count, '\0');
  if (read_memory(thread, arguments[index], content.data(), count) != count) {
    throw Error("read the memory of thread " + std::to_string(thread) + ": there is less");
  }
  return content;
}

std::string SystemCall::text(std::size_t index) const {
  std::string text;
  for (auto address = arguments[index];;) {
    char buffer[page];
    const auto count = page - address % page;
    const std::string_view got(buffer, read_memory(thread, address, buffer, count));
    const auto end = got.find('\0');
    text.append(got.substr(0, end));
    if (end != std::string_view::npos) return text;
    address += count;
  }
}

std::string SystemCall::path_of(int fd) const {
  const auto place = "/proc/" + std::to_string(thread);
  return link_target(fd == AT_FDCWD ? place + "/cwd" : place + "/fd/" + std::to_string(fd));
}

fs::path SystemCall::path(int directory, std::size_t index) const {
  const fs::path named = text(index);
  return (named.is_absolute() ? named : path_of(directory) / named).lexically_normal();
}

TracedProgram::TracedProgram(std::vector<std::string> command, Options options, Watcher watch)
    : command_(std::move(command)), options_(std::move(options)) {
  std::promise<void> started;
  std::promise<int> ended;
  auto running = started.get_future();
  end_ = ended.get_future();
  // Only the thread that began to trace may go on: it also starts the program.
  thread_ = std::thread([this, watch = std::move(watch), started = std::move(started),
                         ended = std::move(ended)]() mutable {
    try {
      start();
    } catch (...) {
      started.set_exception(std::current_exception());
      return;
    }
    started.set_value();
    try {
      ended.set_value(follow(watch));
    } catch (...) {
      ::kill(pid_, SIGKILL);
      while (::waitpid(-1, nullptr, __WALL | __WNOTHREAD) > 0) continue;
      ended.set_exception(std::current_exception());
    }
  });
  try {
    running.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

TracedProgram::~TracedProgram() {
  kill();
  if (thread_.joinable()) thread_.join();
}

void TracedProgram::kill() {
  if (runs()) ::kill(pid_, SIGKILL);
}

bool TracedProgram::runs() const {
  return end_.valid() && end_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

int TracedProgram::wait() {
  thread_.join();
  return end_.get();
}

void TracedProgram::start() {
  int go[2];
  if (::pipe2(go, O_CLOEXEC) != 0) throw_errno("make a pipe");
  pid_ = ::fork();
  if (pid_ == 0) become(command_, options_.log.c_str(), go[0]);
  ::close(go[0]);
  const bool traced = pid_ > 0 && ::ptrace(PTRACE_SEIZE, pid_, 0, trace_options) == 0 &&
                      ::ptrace(PTRACE_INTERRUPT, pid_, 0, 0) == 0;
  const bool told = traced && ::write(go[1], "g", 1) == 1;
  ::close(go[1]);
  if (!told) throw_errno("trace", command_.front());
}

int TracedProgram::follow(const Watcher& watch) {
  std::map<pid_t, SystemCall> calls;
  int exit_code = -1;
  while (true) {
    int status = 0;
    const auto thread = ::waitpid(-1, &status, __WALL | __WNOTHREAD);
    if (thread < 0 && errno == EINTR) continue;
    if (thread < 0) return exit_code;  // the last thread is gone
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      calls.erase(thread);
      if (thread != pid_) continue;
      exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      continue;
    }
    const int event = status >> 16;
    int signal = event == 0 ? WSTOPSIG(status) : 0;
    if (signal == (SIGTRAP | 0x80)) {
      signal = 0;
      auto& call = calls[thread];
      call.process = pid_;
      call.thread = thread;
      if (!look(call)) continue;  // its end is reported next
      meddle(call, options_);
      watch(call);
    }
    // ESRCH: it was killed while it stood; its end is reported next.
    ::ptrace(PTRACE_SYSCALL, thread, 0, signal);
  }
}

}  // namespace kongfleet::power
