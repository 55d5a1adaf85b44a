// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "state_fixture.hpp"

#include <catch2/catch.hpp>
#include <soci/soci.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

namespace kongfleet::controller {

namespace {

std::string in_new_schema(const std::string& server) {
  static int made = 0;
  const auto schema = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++made);
  StateDatabase database(server, StateDatabase::Mode::Write);
  database.together([&](soci::session& sql) { sql << "CREATE SCHEMA " << schema; });
  return server + "&options=-csearch_path%3D" + schema;
}

}  // namespace

StateFixture::StateFixture() {
  const char* server = std::getenv("KONGFLEET_TEST_POSTGRESQL");
  fleet_.name = "edge";
  fleet_.state = server != nullptr ? in_new_schema(server) : "sqlite:" + file().string();
}

StateLocker::StateLocker(const StateFixture& state) {
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  process_ = ::fork();
  if (process_ == 0) {
    StateDatabase database(state.location(), StateDatabase::Mode::Write);
    database.together([&](soci::session&) {
      static_cast<void>(::write(ready[1], "x", 1));
      ::pause();
    });
    ::_exit(0);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  ::close(ready[0]);
  ::close(ready[1]);
}

void StateLocker::end() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = 0;
}

RememberedRollout begun(const std::string& id, std::size_t hosts) {
  RememberedRollout rollout;
  rollout.id = id;
  rollout.kind = "rollout";
  rollout.who = "ops@deploy-1";
  rollout.started_ms = wall_clock_ms();
  rollout.selection = "edge !host-9";
  rollout.plan = "{}";
  for (std::size_t i = 1; i <= hosts; ++i) {
    RememberedHost host;
    host.label = "host-" + std::to_string(i);
    rollout.hosts.push_back(host);
  }
  return rollout;
}

Release plugin_release(const std::string& version, const std::string& body) {
  auto tree = good_tree("my-plugin");
  tree.files.push_back({"mylib/body.lua", 0644, body});
  return make_release(*PluginName::parse("my-plugin"), *Version::parse(version), std::move(tree));
}

wire::Outcome strange_outcome() {
  wire::Outcome outcome;
  outcome.set_result(wire::Outcome::ROLLED_BACK);
  outcome.set_cause("status 500");
  outcome.set_error_log(std::string("a\0b\x1b[31m", 8));
  auto& step = *outcome.add_steps();
  step.set_step("verify");
  step.set_ms(1234);
  return outcome;
}

}  // namespace kongfleet::controller
