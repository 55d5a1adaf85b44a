// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_passphrase.hpp"

#include "controller/ssh_fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <termios.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace kongfleet::controller {
namespace {

constexpr std::size_t passphrase_max = 1024;  // as in OpenSSH
constexpr int look_every_ms = 100;            // for a request to stop

/// A terminal that does not show what is typed, and hands over every key; as it was afterwards.
class QuietTerminal {
public:
  explicit QuietTerminal(int fd) : fd_(fd), quiet_(::tcgetattr(fd, &before_) == 0) {
    termios now = before_;
    // Without ISIG: an interrupt comes as a character, and the terminal is put right before it
    // takes effect.
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG);
    quiet_ = quiet_ && ::tcsetattr(fd, TCSAFLUSH, &now) == 0;
  }
  ~QuietTerminal() {
    if (quiet_) (void)::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  bool quiet() const { return quiet_; }

private:
  int fd_;
  termios before_{};
  bool quiet_;
};

void say(int fd, const std::string& text) { (void)!::write(fd, text.data(), text.size()); }

enum class Typed { Line, GaveUp, Interrupted };

Typed read_typed(int fd, std::string& line, const std::stop_token& stop) {
  constexpr char interrupt = 3;
  constexpr char end = 4;
  constexpr char kill_line = 21;
  while (line.size() < passphrase_max) {
    pollfd ready{fd, POLLIN, 0};
    if (stop.stop_requested()) return Typed::GaveUp;
    if (::poll(&ready, 1, look_every_ms) <= 0) continue;
    char c = 0;
    if (::read(fd, &c, 1) != 1 || c == end) return Typed::GaveUp;
    if (c == '\n' || c == '\r') return Typed::Line;
    if (c == interrupt) return Typed::Interrupted;
    if (c == '\b' || c == 127)
      line.resize(line.empty() ? 0 : line.size() - 1);
    else if (c == kill_line)
      line.clear();
    else
      line += c;
  }
  return Typed::GaveUp;
}

std::optional<std::string> ask_on_terminal(int fd, const std::string& prompt,
                                           const std::stop_token& stop) {
  std::string line;
  Typed typed = Typed::GaveUp;
  {
    const QuietTerminal terminal(fd);
    if (!terminal.quiet()) return std::nullopt;
    say(fd, prompt);
    typed = read_typed(fd, line, stop);
    say(fd, "\n");
  }
  if (typed == Typed::Interrupted) (void)::kill(::getpid(), SIGINT);
  if (typed != Typed::Line) return std::nullopt;
  return line;
}

/// The first line `program` prints when it is run with `prompt`, if it exits with 0.
std::optional<std::string> ask_with(const char* program, const std::string& prompt) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const SshFd output(ends[0]);
  SshFd input(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
  std::string name(program);
  std::string question(prompt);
  char* arguments[] = {name.data(), question.data(), nullptr};
  pid_t child = -1;
  const int failed = ::posix_spawnp(&child, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return std::nullopt;
  input = SshFd();
  std::string text;
  char buffer[256];
  for (ssize_t got = 1; got > 0 && text.size() < passphrase_max;) {
    got = ::read(output.get(), buffer, sizeof buffer);
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    if (got < 0 && errno == EINTR) got = 1;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

std::optional<std::string> ask_passphrase(const std::string& prompt, std::stop_token stop) {
  const SshFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal) return ask_on_terminal(terminal.get(), prompt, stop);
  const char* program = std::getenv("SSH_ASKPASS");
  if (program != nullptr && *program != '\0') return ask_with(program, prompt);
  return std::nullopt;
}

}  // namespace kongfleet::controller
