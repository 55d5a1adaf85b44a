// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/child_process.hpp"

#include "agent/fd.hpp"
#include "proto/error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace kongfleet::agent {
namespace {

using Clock = std::chrono::steady_clock;

// How often a kernel without pidfd_open (before 5.3) is asked whether the child has ended.
constexpr std::chrono::milliseconds exit_poll{5};
constexpr std::chrono::milliseconds wanted_poll{200};
// What a killed child's pipes may still hold is read for this long, not longer: a process that left
// its group can keep them open for ever.
constexpr std::chrono::milliseconds drain_limit{200};

// On kernels without close_range: we have far fewer descriptors, whatever the limit is.
constexpr int fds_max = 1024;

struct Pipe {
  Fd read, write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("make a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// What the child needs, made before it: nothing may allocate there.
struct Launch {
  const char* program;
  char* const* argv;
  char* const* environment;
  const ChildUser* user;
  int input, output, errors, failure;
};

/// Only raw system calls: glibc's setuid would ask the other threads, which the child does not
/// have.
bool become(const ChildUser& user) {
  if (::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0) return false;
  if (::syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0) return false;
  return ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

/// Whoever started us may have left descriptors open that are not ours to pass on.
void close_on_exec() {
  constexpr unsigned cloexec = 4;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
  if (::syscall(SYS_close_range, 3U, ~0U, cloexec) == 0) return;
  for (int fd = 3; fd < fds_max; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void run_in_child(const Launch& launch) {
  ::setpgid(0, 0);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const rlimit no_core{0, 0};  // what it reads holds passwords
  ::setrlimit(RLIMIT_CORE, &no_core);
  bool ready = ::dup2(launch.input, 0) >= 0 && ::dup2(launch.output, 1) >= 0 &&
               ::dup2(launch.errors, 2) >= 0 && ::chdir("/") == 0;
  if (ready && launch.user != nullptr) ready = become(*launch.user);
  if (ready) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the change of user, which clears it
    close_on_exec();
    ::execve(launch.program, launch.argv, launch.environment);
  }
  const int reason = errno;
  const auto written = ::write(launch.failure, &reason, sizeof reason);
  ::_exit(written == sizeof reason ? 127 : 126);
}

/// vfork(2): the child borrows our memory until it executes, and nothing has to be copied for it.
/// A signal must not run our handlers in it, so it comes after.
pid_t start(const Launch& launch) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::vfork();
  if (pid == 0) run_in_child(launch);
  const int reason = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = reason;
  if (pid < 0) throw_errno("start a process for", launch.program);
  return pid;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// The running child: killed with its group and reaped whatever happens to us.
class Child {
public:
  explicit Child(pid_t pid) : pid_(pid) {
    ::setpgid(pid,
              pid);  // whoever is first, we or the child: the group exists before anybody kills it
    exit_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    kill_group();
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  void kill_group() const { ::kill(-pid_, SIGKILL); }
  /// Readable once the child has ended; -1 on kernels without it.
  int exit_fd() const { return exit_.get(); }
  /// The exit code, if it has ended.
  std::optional<int> ended() {
    int status = 0;
    pid_t done = 0;
    while ((done = ::waitpid(pid_, &status, WNOHANG)) < 0 && errno == EINTR) {
    }
    if (done == 0) return std::nullopt;
    pid_ = -1;
    if (done < 0) return 127;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

private:
  pid_t pid_;
  Fd exit_;
};

/// Takes what a non-blocking pipe has. False at its end.
bool take(const Fd& pipe, std::string& into, std::size_t limit) {
  std::array<char, 16384> buffer;
  for (;;) {
    const auto count = ::read(pipe.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    const auto room = limit - std::min(limit, into.size());
    into.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
  }
}

int until(Clock::time_point deadline, std::chrono::milliseconds at_most) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), at_most).count());
}

struct Streams {
  Fd output, errors;
};

/// Reads both streams until the child has ended, killing it at the deadline. A grandchild that
/// keeps the pipes open does not keep us: the child's own end decides.
void follow(Child& child, Streams streams, const ChildRequest& request, ChildResult& result) {
  auto deadline = request.deadline;
  for (;;) {
    std::array<pollfd, 3> events{{{streams.output.get(), POLLIN, 0},
                                  {streams.errors.get(), POLLIN, 0},
                                  {child.exit_fd(), POLLIN, 0}}};
    const auto nap = child.exit_fd() < 0 ? exit_poll
                     : request.wanted    ? wanted_poll
                                         : std::chrono::milliseconds(60000);
    ::poll(events.data(), events.size(), until(deadline, nap));
    // Asked before the last read: what the child wrote before its end is in the pipes by then.
    const auto code = child.ended();
    if (streams.output && !take(streams.output, result.output, request.output_max))
      streams.output = Fd();
    if (streams.errors && !take(streams.errors, result.errors, request.output_max))
      streams.errors = Fd();
    if (code) {
      result.exit_code = *code;
      return;
    }
    const bool killed = result.timed_out || result.unwanted;
    const bool over = Clock::now() >= deadline;
    if (!over && (killed || !request.wanted || request.wanted())) continue;
    if (killed) throw Error("kill '" + request.argv.front() + "': it does not end");
    (over ? result.timed_out : result.unwanted) = true;
    child.kill_group();
    deadline = Clock::now() + std::max(drain_limit, std::chrono::milliseconds(5000));
  }
}

std::string failure_of(const Fd& pipe) {
  int reason = 0;
  if (::read(pipe.get(), &reason, sizeof reason) != sizeof reason) return "";
  return std::generic_category().message(reason);
}

std::string path_in(const std::vector<std::string>& environment) {
  for (const auto& entry : environment)
    if (entry.starts_with("PATH=")) return entry.substr(5);
  return "/usr/bin:/bin";
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

}  // namespace

std::string ChildResult::text() const {
  const std::string first = trimmed(errors);
  const std::string second = trimmed(output);
  return first.empty() || second.empty() ? first + second : first + "\n" + second;
}

std::optional<std::filesystem::path> find_program(const std::string& name, std::string_view path) {
  if (name.find('/') != std::string::npos) return name;
  while (!name.empty() && !path.empty()) {
    const auto end = std::min(path.find(':'), path.size());
    const auto candidate = std::filesystem::path(path.substr(0, end)) / name;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(candidate, ignored) &&
        ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return std::nullopt;
}

ChildResult run_child(const ChildRequest& request) {
  if (request.argv.empty()) throw Error("run a program: no command was given");
  ChildResult result;
  const auto program = find_program(request.argv.front(), path_in(request.environment));
  if (!program) {
    result.exit_code = 127;
    result.errors = "run '" + request.argv.front() + "': no such command in PATH";
    return result;
  }
  Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) throw_errno("open", "/dev/null");
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  Pipe failure = make_pipe();
  const auto argv = pointers(request.argv);
  const auto environment = pointers(request.environment);
  const Launch launch{program->c_str(),   argv.data(),
                      environment.data(), request.user ? &*request.user : nullptr,
                      nothing.get(),      output.write.get(),
                      errors.write.get(), failure.write.get()};
  Child child(start(launch));
  output.write = Fd();
  errors.write = Fd();
  failure.write = Fd();
  const std::string reason = failure_of(failure.read);  // ends when exec closes the pipe
  ::fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(errors.read.get(), F_SETFL, O_NONBLOCK);
  follow(child, {std::move(output.read), std::move(errors.read)}, request, result);
  if (!reason.empty()) result.errors = "run '" + program->string() + "': " + reason;
  return result;
}

}  // namespace kongfleet::agent
