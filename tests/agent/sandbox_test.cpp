// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/sandbox.hpp"

#include "agent/interpreter.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
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

}  // namespace

TEST_CASE("an interpreter that opens, connects, executes, signals, forks or traces dies of it") {
  REQUIRE(filters_system_calls());
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
