// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_passphrase.hpp"

#include "tests/controller/ssh_fixture.hpp"

#include <catch2/catch.hpp>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace kongfleet::controller {
namespace {

using Catch::Matchers::Contains;

/// What ask_passphrase gives in a process without a terminal, with SSH_ASKPASS set to `program`.
std::string asked_without_terminal(const fs::path& dir, const std::string& program) {
  const fs::path result = dir / "result";
  write_file(result, "");
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::setsid();
    (void)::setenv("SSH_ASKPASS", program.c_str(), 1);
    write_file(result, ask_passphrase("The key: ", {}).value_or("(nobody)"));
    ::_exit(0);
  }
  int status = -1;
  (void)::waitpid(child, &status, 0);
  CHECK(status == 0);
  return read_file(result);
}

/// Reads from a terminal until `text` came, or nothing comes for long.
std::string read_until(int fd, const std::string& text) {
  std::string got;
  char buffer[256];
  pollfd ready{fd, POLLIN, 0};
  while (got.find(text) == std::string::npos && ::poll(&ready, 1, 10'000) > 0) {
    const ssize_t length = ::read(fd, buffer, sizeof buffer);
    if (length <= 0) break;
    got.append(buffer, static_cast<std::size_t>(length));
  }
  return got;
}

}  // namespace

TEST_CASE("without a terminal the program in SSH_ASKPASS is asked, and gets the prompt") {
  const SshTempDir dir;
  const fs::path program = dir.path() / "askpass";
  write_file(program, "#!/bin/sh\necho \"[$1]\"\n");
  CHECK(::chmod(program.c_str(), 0700) == 0);
  CHECK(asked_without_terminal(dir.path(), program.string()) == "[The key: ]");
  write_file(program, "#!/bin/sh\necho half; exit 1\n");
  CHECK(asked_without_terminal(dir.path(), program.string()) == "(nobody)");
  CHECK(asked_without_terminal(dir.path(), "") == "(nobody)");
  CHECK(asked_without_terminal(dir.path(), "/nowhere/askpass") == "(nobody)");
}

TEST_CASE("on a terminal the passphrase is asked for without echo, and may be corrected") {
  const SshTempDir dir;
  const fs::path result = dir.path() / "result";
  int terminal = -1;
  std::cout.flush();  // what Catch has said so far is not the child's to say
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    write_file(result, ask_passphrase("The key: ", {}).value_or("(nobody)"));
    ::_exit(0);
  }
  const SshFd owner(terminal);
  CHECK_THAT(read_until(terminal, "The key: "), Contains("The key: "));
  const std::string typed = "wrong\x15secreX\x7ft\r";
  CHECK(::write(terminal, typed.data(), typed.size()) == static_cast<ssize_t>(typed.size()));
  const std::string shown = read_until(terminal, "\n");
  CHECK_THAT(shown, !Contains("secre"));
  int status = -1;
  (void)::waitpid(child, &status, 0);
  CHECK(read_file(result) == "secret");
}

TEST_CASE("an interrupt at the passphrase prompt interrupts the process") {
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    (void)std::signal(SIGINT, SIG_DFL);
    (void)ask_passphrase("The key: ", {});
    ::_exit(0);
  }
  const SshFd owner(terminal);
  CHECK_THAT(read_until(terminal, "The key: "), Contains("The key: "));
  CHECK(::write(terminal, "\x03", 1) == 1);
  int status = 0;
  (void)::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("a passphrase prompt goes away when the process wants to end") {
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    std::stop_source stop;
    std::thread asking([&] { (void)ask_passphrase("The key: ", stop.get_token()); });
    (void)::poll(nullptr, 0, 50);
    stop.request_stop();
    asking.join();
    ::_exit(7);
  }
  const SshFd owner(terminal);
  (void)read_until(terminal, "\n");
  int status = 0;
  (void)::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}

}  // namespace kongfleet::controller
