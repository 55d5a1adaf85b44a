// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/sandbox.hpp"

#include "agent/interpreter.hpp"
#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <functional>
#include <thread>

using namespace kongfleet::agent;

namespace {

constexpr std::uint64_t plenty = std::uint64_t{1} << 40;

/// The wait status of a child that does this.
int status_of(const std::function<int()>& deed) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(deed());
  int status = -1;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return status;
}

int interpreter_does(const std::function<long()>& deed) {
  return status_of([&] {
    drop_privileges();
    keep_descriptors({STDIN_FILENO, STDIN_FILENO});
    confine_interpreter(plenty);
    return deed() < 0 ? 1 : 0;
  });
}

/// A system call that fails from now on, with that first or second argument if one is told; with no
/// error it does nothing and says that it did.
struct Fault {
  const char* step;
  int call;
  std::size_t argument = 0;
  int value = -1;
  unsigned error = EPERM;
};

void commit(const Fault& fault) {
  const auto argument = offsetof(seccomp_data, args) + fault.argument * sizeof(__u64);
  const auto only = static_cast<unsigned char>(fault.value < 0 ? 0 : 1);
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(fault.call), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(argument)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(fault.value), 0, only),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | fault.error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(code), code};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(99);
}

struct Capabilities {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
};

/// The capabilities of systemd/kongfleet-agent.service, none of which changes the user.
void have_what_the_unit_gives() {
  for (int each = 0; ::prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; ++each)
    ::prctl(PR_CAPBSET_DROP, each, 0, 0, 0);
  Capabilities few;
  few.data[0].permitted =
      1U << CAP_CHOWN | 1U << CAP_FOWNER | 1U << CAP_DAC_OVERRIDE | 1U << CAP_KILL;
  few.data[0].effective = few.data[0].permitted;
  if (::syscall(SYS_capset, &few.header, few.data) != 0) ::_exit(99);
}

bool has_capabilities() {
  Capabilities now;
  ::syscall(SYS_capget, &now.header, now.data);
  const auto any = [](const auto& data) { return data.effective | data.permitted; };
  return (any(now.data[0]) | any(now.data[1])) != 0;
}

/// 0: giving everything up stopped at that step, and said so.
int stops_at(const char* step) {
  try {
    drop_privileges();
    confine_interpreter(plenty);
  } catch (const kongfleet::Error& error) {
    return std::string(error.what()).starts_with(step) ? 0 : 2;
  }
  return 1;
}

}  // namespace

TEST_CASE("an interpreter that opens, connects, executes, signals, forks or traces dies of it") {
  char name[] = "/bin/true";
  char* const argv[] = {name, nullptr};
  const std::pair<const char*, std::function<long()>> deeds[] = {
      {"open", [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }},
      {"openat2", [] { return ::syscall(SYS_openat2, AT_FDCWD, "/", nullptr, 0); }},
      {"socket", [] { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }},
      {"execve", [&] { return ::execve(name, argv, nullptr); }},
      {"kill", [] { return ::kill(::getppid(), 0); }},
      {"tgkill", [] { return ::syscall(SYS_tgkill, 1, 1, 0); }},
      {"fork", [] { return ::fork(); }},
      {"clone3", [] { return ::syscall(SYS_clone3, nullptr, 0); }},
      {"ptrace", [] { return ::syscall(SYS_ptrace, 0, 0, 0, 0); }},
      {"unlink", [] { return ::unlink("/nothing"); }},
      {"ioctl", [] { return ::syscall(SYS_ioctl, 0, 0, 0); }},
      {"prctl", [] { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }},
      {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
      {"io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
      {"x32's getpid", [] { return ::syscall(0x40000000 + SYS_getpid); }},
      {"memory to execute",
       [] {
         return ::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       }},
  };
  for (const auto& [what, deed] : deeds) {
    CAPTURE(what);
    const int status = interpreter_does(deed);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS));
  }
}

TEST_CASE("an interpreter takes memory up to its limit, throws and catches, and ends") {
  const auto taken = [](std::size_t bytes) {
    return [bytes]() -> long {
      try {
        const std::string memory(bytes, 'x');
        return memory.back() == 'x' ? 0 : -1;
      } catch (const std::bad_alloc&) {
        return -1;
      }
    };
  };
  CHECK(interpreter_does(taken(std::size_t{64} << 20)) == 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(WEXITSTATUS(interpreter_does(taken(std::size_t{1} << 41))) == 1);
#endif
}

TEST_CASE("the factory opens, connects and executes nothing, and may fork") {
  char name[] = "/bin/true";
  char* const argv[] = {name, nullptr};
  const auto refused = [](long result) { return result < 0 && errno == EPERM; };
  CHECK(status_of([&] {
          drop_privileges();
          confine_factory();
          if (!refused(::open("/dev/null", O_RDONLY | O_CLOEXEC))) return 1;
          if (!refused(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))) return 2;
          if (!refused(::execve(name, argv, nullptr))) return 3;
          if (!refused(::syscall(SYS_ptrace, 0, 0, 0, 0))) return 4;
          const pid_t pid = ::fork();
          if (pid == 0) ::_exit(0);
          return ::waitpid(pid, nullptr, 0) == pid ? 0 : 5;
        }) == 0);
}

TEST_CASE("a process without privileges has no capabilities and gets none") {
  CHECK(status_of([] {
          drop_privileges();
          if (::chown("/", 0, 0) == 0 || errno != EPERM) return 1;
          if (::getuid() == 0 || ::setuid(0) == 0) return 2;
          return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                         ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
                     ? 0
                     : 3;
        }) == 0);
}

TEST_CASE("what the unit lets the daemon do, a process without privileges does no more") {
  CHECK(status_of([] {
          have_what_the_unit_gives();
          const int file = ::memfd_create("owned", MFD_CLOEXEC);
          if (::fchown(file, 1, 1) != 0) return 1;
          drop_privileges();
          if (::fchown(file, 0, 0) == 0 || errno != EPERM) return 2;
          if (::getuid() != 0 || ::setuid(1) == 0) return 3;
          return !has_capabilities() && ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                         ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
                     ? 0
                     : 4;
        }) == 0);
}

TEST_CASE("a step that the kernel does not take is an error, whichever it is") {
  const Fault faults[] = {
    {"leave all groups", SYS_setgroups},
    {"change the group", SYS_setresgid},
    {"change the user", SYS_setresuid},
    {"drop all capabilities", SYS_capset},
    {"want no new privileges", SYS_prctl, 0, PR_SET_NO_NEW_PRIVS},
    {"want no new privileges", SYS_prctl, 0, PR_SET_NO_NEW_PRIVS, 0},
    {"forbid to be traced", SYS_prctl, 0, PR_SET_DUMPABLE},
    {"limit core dumps", SYS_prlimit64, 1, RLIMIT_CORE},
    {"limit descriptors", SYS_prlimit64, 1, RLIMIT_NOFILE},
    {"limit processes", SYS_prlimit64, 1, RLIMIT_NPROC},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    {"limit memory", SYS_prlimit64, 1, RLIMIT_AS},
#endif
    {"limit files", SYS_prlimit64, 1, RLIMIT_FSIZE},
    {"filter system calls", SYS_prctl, 0, PR_SET_SECCOMP},
    {"filter system calls", SYS_prctl, 0, PR_SET_SECCOMP, EINVAL},
  };
  for (const auto& fault : faults) {
    CAPTURE(fault.step, fault.error);
    CHECK(status_of([&] {
            commit(fault);
            return stops_at(fault.step);
          }) == 0);
  }
}

TEST_CASE("without the power to change the user, capabilities that stay are an error") {
  CHECK(status_of([] {
          have_what_the_unit_gives();
          ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);  // so that it may
          commit({"drop all capabilities", SYS_capset, 0, -1, 0});
          return stops_at("drop all capabilities");
        }) == 0);
}

TEST_CASE("a factory whose filter was not taken says so") {
  CHECK(status_of([] {
          commit({"filter system calls", SYS_prctl, 0, PR_SET_SECCOMP, EINVAL});
          try {
            confine_factory();
          } catch (const kongfleet::Error&) {
            return 0;
          }
          return 1;
        }) == 0);
}

TEST_CASE("an interpreter ends as soon as the daemon or its peer has closed") {
  for (const bool by_daemon : {true, false}) {
    int peer[2];
    int channel[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peer) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) == 0);
    std::thread thread(
        [theirs = peer[1], ours = channel[1]] { Interpreter(Fd(theirs), Fd(ours)).run(); });
    ::close(by_daemon ? channel[0] : peer[0]);
    thread.join();
    ::close(by_daemon ? peer[0] : channel[0]);
  }
}
