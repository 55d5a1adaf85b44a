// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/run_watch.hpp"

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "agents_fixture.hpp"
#include "tree_fixture.hpp"
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

/// A controller's process of its own; ended by the time it is destroyed.
class Forked {
public:
  explicit Forked(const std::function<int()>& deed) : process_(::fork()) {
    if (process_ == 0) ::_exit(deed());
  }
  ~Forked() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  Forked(const Forked&) = delete;
  Forked& operator=(const Forked&) = delete;
  void tell(int signal) const { ::kill(process_, signal); }
  /// As waitpid(2) says it.
  int status() {
    int status = -1;
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (::waitpid(process_, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > deadline) return -1;
      std::this_thread::sleep_for(5ms);
    }
    process_ = 0;
    return status;
  }

private:
  pid_t process_;
};

pid_t number_in(const std::filesystem::path& file) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  for (;;) {
    std::ifstream text(file);
    pid_t number = 0;
    std::string end;
    if (text >> number >> end && end == "end") return number;
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(5ms);
  }
}

Fleet hooked_fleet(const ScratchDirectory& scratch, const std::string& script) {
  Fleet fleet;
  fleet.name = "edge";
  fleet.hooks.directory = scratch.path();
  fleet.hooks.timeout = 10min;
  fleet.hooks.after_rollout = {"sh", "-c", script};
  fleet.metrics = scratch.path() / "metrics";
  return fleet;
}

}  // namespace

TEST_CASE("without its secret a webhook holds up a rollout, but no rollback") {
  const ScratchDirectory scratch;
  Fleet fleet;
  fleet.name = "edge";
  fleet.webhook.url = "http://127.0.0.1:9/";
  fleet.webhook.secret_file = scratch.path() / "absent";
  CHECK_THROWS_WITH(RunWatch(fleet, "rollout-1"), Catch::Contains("there is no such file"));
  RunWatch watch(fleet, "rollback-1", true);
  KeepingView view;
  CHECK(&watch.around(view) == &view);
  const auto troubles = watch.end({});
  REQUIRE(troubles.size() == 1);
  CHECK_THAT(troubles[0], Catch::StartsWith("webhook: it is told nothing: ") &&
                              Catch::Contains("there is no such file"));
}

TEST_CASE("a signal while the last hook runs ends the hook, and the exit code is the rollout's") {
  for (const int signal : {SIGINT, SIGTERM}) {
    const ScratchDirectory scratch;
    const auto fleet = hooked_fleet(scratch, "echo $$ end > hook; sleep 600");
    Forked controller([&] {
      RunWatch watch(fleet, "rollout-1");
      const auto troubles = watch.end({.exit_code = 3});
      const bool told = troubles.size() == 1 && troubles[0].find("was ended") != std::string::npos;
      return told ? 3 : 99;
    });
    const auto hook = number_in(scratch.path() / "hook");
    controller.tell(signal);
    const auto status = controller.status();
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 3);
    CHECK(::kill(hook, 0) != 0);
  }
}

TEST_CASE("a signal between a run and its last hook does not end the controller") {
  Forked controller([] {
    AgentsFixture agents(1);
    KeepingView view;
    const auto end = agents.run("rollback").roll_back({}, view);
    std::raise(SIGINT);
    std::raise(SIGTERM);
    return end.exit_code == 0 ? 3 : 99;
  });
  const auto status = controller.status();
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 3);
}

TEST_CASE("who was taken over runs no last hook and leaves the metrics as they are") {
  const ScratchDirectory scratch;
  const auto fleet = hooked_fleet(scratch, "echo > ended");
  scratch.write("metrics", "of the other one");
  RunWatch watch(fleet, "rollout-1");
  const auto troubles = watch.end({.exit_code = 75, .taken_over = "taken over by eve@two"});
  CHECK(troubles == std::vector<std::string>{"the hook after_rollout was not run"});
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "ended"));
  CHECK(scratch.read("metrics") == "of the other one");
}

}  // namespace kongfleet::controller
