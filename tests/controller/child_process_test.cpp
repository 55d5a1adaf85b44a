// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/child_process.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "tree_fixture.hpp"
#include <array>
#include <fstream>
#include <thread>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

constexpr ChildLimits generous = {.output_bytes = std::size_t{64} << 20U, .time = 60s};

}  // namespace

TEST_CASE("a child gets its input and gives its output, however much") {
  const std::string input(std::size_t{8} << 20U, 'x');
  const auto result = run_child({"cat"}, input, generous);
  CHECK(result.exit_code == 0);
  CHECK(result.output == input);
}

TEST_CASE("a child's exit code, signal and stderr are told apart from its output") {
  const auto failed = run_child({"sh", "-c", "echo out; echo err >&2; exit 7"}, "", generous);
  CHECK(failed.exit_code == 7);
  CHECK(failed.output == "out\n");
  CHECK(failed.errors == "err\n");
  CHECK(run_child({"sh", "-c", "kill -9 $$"}, "", generous).exit_code == 128 + 9);
}

TEST_CASE("a child that reads nothing does not end us") {
  CHECK(run_child({"true"}, std::string(std::size_t{4} << 20U, 'x'), generous).exit_code == 0);
}

TEST_CASE("a child that writes too much, or takes too long, is ended") {
  CHECK(message_of([] {
          run_child({"cat", "/dev/zero"}, "", {.output_bytes = 9, .time = 60s});
        }) == "'cat' writes more than 9 bytes; it was ended");
  CHECK(message_of([] {
          run_child({"sleep", "600"}, "", {.output_bytes = 9, .time = 50ms});
        }) == "'sleep' takes too long; it was ended");
}

TEST_CASE("a child is ended as soon as we are to leave, whether it talks or not") {
  std::array<int, 2> stop{};
  REQUIRE(::pipe(stop.data()) == 0);
  REQUIRE(::write(stop[1], "x", 1) == 1);
  for (const auto* script : {"sleep 600", "exec >&- 2>&-; sleep 600"}) {
    CHECK(message_of([&] {
            run_child({"sh", "-c", script}, "", {.output_bytes = 9, .time = 10min, .stop = stop[0]},
                      {.own_group = true});
          }) == "'sh' was ended, for we are to leave");
  }
  ::close(stop[0]);
  ::close(stop[1]);
}

TEST_CASE("a child that closes its outputs and goes on is ended in time, too") {
  CHECK(
      message_of([] {
        run_child({"sh", "-c", "exec >&- 2>&-; sleep 600"}, "", {.output_bytes = 9, .time = 50ms});
      }) == "'sh' takes too long; it was ended");
}

TEST_CASE("a child may run elsewhere, be told more, and have what it writes too much dropped") {
  const ChildSurroundings there = {
      .directory = "/usr", .variables = {"HOST=edge", "PWD_IS=x"}, .own_group = true};
  const auto result = run_child({"sh", "-c", "pwd; echo $HOST"}, "", generous, there);
  CHECK(result.output == "/usr\nedge\n");
  const ChildLimits few = {.output_bytes = 3, .time = 60s, .excess = Excess::Drop};
  CHECK(run_child({"echo", "abcdef"}, "", few).output == "abc");
}

TEST_CASE("a child with a group of its own takes its own children with it when its time is up") {
  const ScratchDirectory scratch;
  const auto fifo = scratch.path() / "alive";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const auto script = "(exec sleep 600 >'" + fifo.string() + "') & sleep 600";
  std::string said;
  std::thread ended([&] {
    said = message_of([&] {
      run_child({"sh", "-c", script}, "", {.output_bytes = 9, .time = 300ms}, {.own_group = true});
    });
  });
  // The end of the pipe comes when the grandchild that holds it is gone.
  std::ifstream pipe(fifo);
  CHECK(pipe.get() == std::ifstream::traits_type::eof());
  ended.join();
  CHECK(said == "'sh' takes too long; it was ended");
}

TEST_CASE("arguments are no shell's business") {
  CHECK(run_child({"printf", "%s", "$(id); `id` *"}, "", generous).output == "$(id); `id` *");
}

TEST_CASE("a program that is not there is an error") {
  CHECK(message_of([] { run_child({"kongfleet-no-such-program"}, "", generous); }) ==
        "start 'kongfleet-no-such-program': No such file or directory");
}

}  // namespace kongfleet::controller
