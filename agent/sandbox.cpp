// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/sandbox.hpp"

#include "proto/error.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr unsigned nobody = 65534;     // the kernel's own overflow uid (proc(5), overflowuid)
constexpr int descriptors_max = 1024;  // on kernels without close_range (before 5.9)

// Sanitizers reserve terabytes; and before whatever does not return, AddressSanitizer asks for the
// signal stack, and ends the process when it is not told.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// Before Linux 4.14 it reads as SECCOMP_RET_KILL, of the thread: here there is no other.
constexpr unsigned kill_process = SECCOMP_RET_KILL_PROCESS;

/// A step that a kernel does not take is not gone without.
void require(long result, const char* step) {
  if (result != 0) throw_errno(step);
}

using SystemCallNumbers = std::vector<unsigned>;

// What sockets, memory, exceptions and locks come down to. Without a vDSO the clock is a system
// call; a poll that was interrupted is continued by restart_syscall(2).
SystemCallNumbers interpreter_calls() {
  SystemCallNumbers calls{SYS_recvfrom,      SYS_sendto,       SYS_poll,   SYS_restart_syscall,
                          SYS_clock_gettime, SYS_brk,          SYS_munmap, SYS_mremap,
                          SYS_madvise,       SYS_futex,        SYS_close,  SYS_getrandom,
                          SYS_sched_yield,   SYS_rt_sigreturn, SYS_exit,   SYS_exit_group};
  if (sanitized) calls.push_back(SYS_sigaltstack);
  return calls;
}

// On top of that: fork(3) and what its child does up to its own filter; wait, kill, log.
SystemCallNumbers factory_calls() {
  auto calls = interpreter_calls();
  for (const int call : {SYS_clone,
                         SYS_set_robust_list,
                         SYS_rseq,
                         SYS_gettid,
                         SYS_getpid,
                         SYS_getppid,
                         SYS_wait4,
                         SYS_kill,
                         SYS_recvmsg,
                         SYS_read,
                         SYS_write,
                         SYS_fstat,
                         SYS_dup2,
                         SYS_dup3,
                         SYS_fcntl,
                         SYS_close_range,
                         SYS_prctl,
                         SYS_prlimit64,
                         SYS_setrlimit,
                         SYS_rt_sigprocmask,
                         SYS_rt_sigaction,
                         SYS_nanosleep,
                         SYS_clock_nanosleep,
                         SYS_gettimeofday})
    calls.push_back(static_cast<unsigned>(call));
  return calls;
}

/// A program for the kernel (seccomp(2)): who calls by another ABI's numbers dies; memory that is
/// executable is not to be had; the calls listed go through; all others meet `otherwise`.
class SystemCallFilter {
public:
  SystemCallFilter(const SystemCallNumbers& allowed, unsigned otherwise) {
    load(offsetof(seccomp_data, arch));
    skip_if(AUDIT_ARCH_X86_64, 1);
    answer(kill_process);
    load(offsetof(seccomp_data, nr));
    for (const auto call : allowed) {
      skip_unless(call, 1);
      answer(SECCOMP_RET_ALLOW);
    }
    skip_unless(SYS_mmap, 3);
    load(offsetof(seccomp_data, args) + 2 * sizeof(__u64));  // the low half: `prot` is an int
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0));
    answer(SECCOMP_RET_ALLOW);
    answer(otherwise);
  }
  void install() {
    const sock_fprog program{static_cast<unsigned short>(program_.size()), program_.data()};
    require(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
            "filter system calls (CONFIG_SECCOMP_FILTER)");
  }

private:
  void load(std::size_t offset) {
    program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset)));
  }
  void skip_if(unsigned value, unsigned char count) {
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0));
  }
  void skip_unless(unsigned value, unsigned char count) {
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count));
  }
  void answer(unsigned action) { program_.push_back(BPF_STMT(BPF_RET | BPF_K, action)); }

  std::vector<sock_filter> program_;
};

void limit(decltype(RLIMIT_AS) what, std::uint64_t value, const char* step) {
  const rlimit both{value, value};
  require(::setrlimit(what, &both), step);
}

struct Capabilities {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
};

Capabilities capabilities() {
  Capabilities now;
  require(::syscall(SYS_capget, &now.header, now.data), "look at the capabilities");
  return now;
}

bool may_change_user() {
  constexpr auto wanted = (1U << CAP_SETUID) | (1U << CAP_SETGID);
  return (capabilities().data[0].effective & wanted) == wanted;
}

// Raw calls: glibc's would ask threads that a fork does not have.
void become_nobody() {
  require(::syscall(SYS_setgroups, 0, nullptr), "leave all groups");
  require(::syscall(SYS_setresgid, nobody, nobody, nobody), "change the group");
  require(::syscall(SYS_setresuid, nobody, nobody, nobody), "change the user");
}

void drop_capabilities() {
  Capabilities without;
  require(::syscall(SYS_capset, &without.header, without.data), "drop all capabilities");
  for (const auto& left : capabilities().data)
    if ((left.effective | left.permitted | left.inheritable) != 0)
      throw Error("drop all capabilities: some are left");
}

void want_no_new_privileges() {
  require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "want no new privileges");
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
    throw Error("want no new privileges: they are possible still");
}

}  // namespace

void keep_descriptors(std::vector<int> kept) {
  // First out of the way of the numbers they shall have.
  const auto count = static_cast<int>(kept.size());
  for (auto& fd : kept) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, count);
    require(fd < 0 ? -1 : 0, "keep a descriptor");
  }
  for (int number = 0; number < count; ++number)
    require(::dup2(kept[static_cast<std::size_t>(number)], number) - number, "keep a descriptor");
  if (::syscall(SYS_close_range, static_cast<unsigned>(count), ~0U, 0) == 0) return;
  for (int fd = count; fd < descriptors_max; ++fd) ::close(fd);
}

void drop_privileges() {
  if (may_change_user()) become_nobody();
  drop_capabilities();
  want_no_new_privileges();
  require(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "forbid to be traced");
  limit(RLIMIT_CORE, 0, "limit core dumps");
}

void confine_factory() { SystemCallFilter(factory_calls(), SECCOMP_RET_ERRNO | EPERM).install(); }

void confine_interpreter(std::uint64_t memory_max) {
  limit(RLIMIT_NOFILE, 2, "limit descriptors");  // those it has; poll(2) takes as many as may be
  limit(RLIMIT_NPROC, 0, "limit processes");
  if (!sanitized) limit(RLIMIT_AS, memory_max, "limit memory");
  limit(RLIMIT_FSIZE, 0, "limit files");  // last: what failed is still written to a log
  SystemCallFilter(interpreter_calls(), kill_process).install();
}

}  // namespace kongfleet::agent
