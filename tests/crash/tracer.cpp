// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/tracer.hpp"

#include "proto/error.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <future>

namespace kongfleet::crash {

namespace {

constexpr long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE |
                         PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;

std::optional<RawCall> call_of(pid_t thread) {
  __ptrace_syscall_info info{};
  const auto size = ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
  if (size <= 0 || info.op != PTRACE_SYSCALL_INFO_SECCOMP) return std::nullopt;
  RawCall raw{info.seccomp.nr, {}};
  for (std::size_t i = 0; i < raw.arguments.size(); ++i) raw.arguments[i] = info.seccomp.args[i];
  return raw;
}

/// Has the stopped thread skip its call and see `result`.
void skip_call(pid_t thread, long result) {
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, thread, nullptr, &registers);
  registers.orig_rax = ~0ULL;
  registers.rax = static_cast<unsigned long long>(result);
  ::ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
}

void drop_excl(pid_t thread, int flags_argument) {
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, thread, nullptr, &registers);
  auto& flags = flags_argument == 1 ? registers.rsi : registers.rdx;
  flags &= ~static_cast<unsigned long long>(O_EXCL);
  ::ptrace(PTRACE_SETREGS, thread, nullptr, &registers);
}

void apply(const Fate& fate, const MutatingCall& call) {
  if (fate.kind == Fate::Fail) skip_call(call.thread, -fate.error);
  if (fate.kind == Fate::Pretend) skip_call(call.thread, 0);
  if (fate.kind == Fate::WithoutExcl) drop_excl(call.thread, call.flags_argument);
}

}  // namespace

TracedProcess::TracedProcess(const Command& command, std::filesystem::path scope, Decide decide)
    : scope_(std::move(scope)), decide_(std::move(decide)) {
  std::promise<void> started;
  // Who forks a process is who may trace it, and waits for it: that thread does nothing else.
  tracer_ = std::thread([&] {
    try {
      launch(command);
    } catch (const std::exception& error) {
      failure_ = error.what();
    }
    started.set_value();
    if (failure_.empty()) follow();
  });
  started.get_future().wait();
  if (failure_.empty()) return;
  tracer_.join();
  throw Error(failure_);
}

void TracedProcess::launch(const Command& command) {
  const CallFilter filter;
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) throw_errno("make a pipe");
  pid_ = start(command, [&] {
    char byte = 0;
    const bool told = ::read(gate[0], &byte, 1) == 1;  // we are traced from here on
    if (!told || !filter.install()) ::_exit(126);
  });
  const bool seized = ::ptrace(PTRACE_SEIZE, pid_.load(), nullptr, options) == 0;
  const int problem = errno;
  if (seized && ::write(gate[1], "+", 1) != 1) ::kill(pid_, SIGKILL);
  ::close(gate[0]);
  ::close(gate[1]);
  if (seized) return;
  ::waitpid(pid_, nullptr, 0);
  errno = problem;
  throw_errno("trace", command.argv.front());
}

void TracedProcess::follow() {
  for (;;) {
    int status = 0;
    const pid_t thread = ::waitpid(-1, &status, __WALL | __WNOTHREAD);
    if (thread < 0 && errno == EINTR) continue;
    if (thread < 0) return;  // nothing traced is left
    if (WIFSTOPPED(status)) {
      threads_.insert(thread);
      if (doomed_) kill_all();
      if (!doomed_ && !stopped(thread, status)) kill_all();
      continue;
    }
    threads_.erase(thread);
    if (thread == pid_) status_ = status;
  }
}

/// False when everything is to die; the thread then is not let go.
bool TracedProcess::stopped(pid_t thread, int status) {
  const int event = status >> 16;
  if (event == PTRACE_EVENT_SECCOMP && !decide(thread)) return false;
  const int signal = event == 0 ? WSTOPSIG(status) : 0;
  ::ptrace(PTRACE_CONT, thread, nullptr, signal);
  return true;
}

bool TracedProcess::decide(pid_t thread) {
  const auto raw = call_of(thread);
  if (!raw) return true;  // it is being killed
  auto call = mutating_call(thread, *raw, scope_);
  if (!call) return true;
  call->number = ++calls_;
  const auto fate = decide_(*call);
  apply(fate, *call);
  return fate.kind != Fate::KillAll;
}

void TracedProcess::kill_all() {
  doomed_ = true;
  for (const pid_t thread : threads_) ::kill(thread, SIGKILL);
}

std::optional<int> TracedProcess::wait(Clock::time_point deadline) {
  if (!comes_true([this] { return status_ != -1; }, deadline)) return std::nullopt;
  return status_;
}

void TracedProcess::kill() {
  if (!tracer_.joinable()) return;
  doomed_ = true;
  // Its children are told to die with it, or die at their next call.
  if (status_ == -1) ::kill(pid_, SIGKILL);
  tracer_.join();
}

}  // namespace kongfleet::crash
