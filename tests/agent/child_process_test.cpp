// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/child_process.hpp"

#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

ChildRequest shell(const std::string& script) {
  ChildRequest request;
  request.argv = {"/bin/sh", "-c", script};
  request.environment = {"PATH=/usr/bin:/bin"};
  request.deadline = Clock::now() + 20s;
  return request;
}

}  // namespace

TEST_CASE("a program's exit code and both of its streams are taken") {
  const auto result = run_child(shell("echo out; echo err >&2; exit 3"));
  CHECK(result.exit_code == 3);
  CHECK_FALSE(result.ok());
  CHECK(result.output == "out\n");
  CHECK(result.errors == "err\n");
  CHECK(result.text() == "err\nout");
  CHECK(run_child(shell("true")).ok());
}

TEST_CASE("nothing is inherited: environment, directory, input, descriptors, ignored signals") {
  ::setenv("KONG_PLUGINS", "leaked", 1);
  auto request = shell("env; pwd; cat; ls /proc/self/fd; grep SigIgn /proc/self/status");
  request.environment.emplace_back("ONLY=this");
  const auto before = ::signal(SIGUSR2, SIG_IGN);
  const auto result = run_child(request);
  ::signal(SIGUSR2, before);
  ::unsetenv("KONG_PLUGINS");
  CHECK(result.ok());
  CHECK(result.output.find("leaked") == std::string::npos);
  CHECK(result.output.find("ONLY=this\n") != std::string::npos);
  CHECK(result.output.find("\n/\n0\n1\n2\n3\n") != std::string::npos);  // 3 is ls reading
  CHECK(result.output.find("SigIgn:\t0000000000000000") != std::string::npos);
}

TEST_CASE("a program that reads passwords leaves no core") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_CORE, &before) == 0);
  CHECK(before.rlim_max > 0);  // or it would prove nothing
  CHECK(run_child(shell("ulimit -Sc; ulimit -Hc")).output == "0\n0\n");
}

TEST_CASE("a program that does not end is killed at the deadline, with what it started") {
  auto request = shell("sleep 1000 & echo $!; wait");
  request.deadline = Clock::now() + 300ms;
  const auto began = Clock::now();
  const auto result = run_child(request);
  CHECK(result.timed_out);
  CHECK_FALSE(result.ok());
  CHECK(result.exit_code == 128 + SIGKILL);
  CHECK(Clock::now() - began < 10s);
  const auto grandchild = "/proc/" + result.output.substr(0, result.output.find('\n'));
  const auto gone = [&] {
    std::ifstream stat(grandchild + "/stat");
    std::string text;
    std::getline(stat, text);
    return text.empty() || text.find(") Z ") != std::string::npos;
  };
  const auto limit = Clock::now() + 10s;
  while (!gone() && Clock::now() < limit) std::this_thread::sleep_for(5ms);
  CHECK(gone());
}

TEST_CASE("a grandchild that keeps the streams open does not keep us") {
  const auto began = Clock::now();
  const auto result = run_child(shell("sleep 5 & echo done"));
  CHECK(result.ok());
  CHECK(result.output == "done\n");
  CHECK(Clock::now() - began < 4s);
}

TEST_CASE("output beyond the limit is dropped, and the program goes on") {
  auto request = shell("head -c 1000000 /dev/zero; echo end >&2");
  request.output_max = 1000;
  const auto result = run_child(request);
  CHECK(result.ok());
  CHECK(result.output.size() == 1000);
  CHECK(result.errors == "end\n");
}

TEST_CASE("what can't be started is a result with the reason") {
  auto request = shell("");
  request.argv = {"/nonexistent/kong"};
  auto result = run_child(request);
  CHECK(result.exit_code == 127);
  CHECK(result.errors == "run '/nonexistent/kong': No such file or directory");
  request.argv = {"no-such-command"};
  CHECK(run_child(request).errors == "run 'no-such-command': no such command in PATH");
}

TEST_CASE("a program runs as the user that is asked for") {
  REQUIRE(::geteuid() == 0);
  auto request = shell("id -u; id -g; id -G");
  request.user = ChildUser{12345, 12346, {12346, 12347}};
  CHECK(run_child(request).output == "12345\n12346\n12346 12347\n");
}

TEST_CASE("a command is found in PATH, and only if it can be run") {
  std::string name = (std::filesystem::temp_directory_path() / "kfb-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  std::ofstream(name + "/kong") << "#!/bin/sh\n";
  CHECK_FALSE(find_program("kong", "/nonexistent:" + name));
  ::chmod((name + "/kong").c_str(), 0755);
  CHECK(find_program("kong", "/nonexistent:" + name) == name + "/kong");
  CHECK(find_program("/any/path", "") == "/any/path");
  CHECK_FALSE(find_program("", name));
  std::filesystem::remove_all(name);
}

}  // namespace kongfleet::agent::test
