// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/poison.hpp"

#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

TEST_CASE("what failed is remembered until it is confirmed after all") {
  const TempDir directory;
  const Poison poison(directory.path() / "poison.json");
  CHECK_FALSE(poison.cause(sha256("a")));
  poison.add(sha256("a"), "probe 'echo':\nstatus 500");
  poison.add(sha256("a"), "once more");
  poison.add(sha256("b"), "syntax");
  CHECK(*poison.cause(sha256("a")) == "once more");
  poison.forgive(sha256("a"));
  poison.forgive(sha256("c"));
  CHECK_FALSE(poison.cause(sha256("a")));
  CHECK(poison.cause(sha256("b")));
}

TEST_CASE("only so many are remembered, the newest, and a damaged file is begun anew") {
  const TempDir directory;
  const auto file = directory.path() / "poison.json";
  const Poison poison(file);
  for (int i = 0; i < 40; ++i) poison.add(sha256(std::to_string(i)), "failed");
  CHECK_FALSE(poison.cause(sha256("7")));
  CHECK(poison.cause(sha256("8")));
  CHECK(poison.cause(sha256("39")));
  for (const char* text : {"[{\"digest\":", "{}"}) {
    std::ofstream(file, std::ios::trunc) << text;
    CHECK_FALSE(poison.cause(sha256("8")));
    poison.add(sha256("x"), "failed");
    CHECK(poison.cause(sha256("x")));
  }
}

TEST_CASE("a generation that Kong rejected here is told of by the next plan for it") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.gateway.reject_once("init_by_lua error: handler.lua:7");
  CHECK(agent.transactions->plan({.releases = {agent.release("1.1.0")}}).poison.empty());
  REQUIRE(agent.result(agent.apply("1.1.0", "bad")) == Result::RolledBack);
  const auto plan = agent.transactions->plan({.releases = {agent.release("1.1.0")}});
  CHECK(plan.poison == "init_by_lua error: handler.lua:7");
  CHECK(plan.warnings.size() == 1);
  CHECK(agent.transactions->plan({.releases = {agent.release("1.2.0")}}).poison.empty());
  CHECK(agent.deploy("1.1.0") == Result::Committed);  // a person may
  REQUIRE(agent.deploy("1.2.0") == Result::Committed);
  CHECK(agent.transactions->plan({.releases = {agent.release("1.1.0")}}).poison.empty());
}

TEST_CASE("what was taken back for another reason than itself is no poison") {
  AgentFixture agent;
  REQUIRE(agent.result(agent.apply("1.0.0", "t")) == Result::Trial);
  REQUIRE(agent.result(agent.transactions->revert("t", "another host failed", {})) ==
          Result::RolledBack);
  CHECK(agent.transactions->plan({.releases = {agent.release("1.0.0")}}).poison.empty());
  agent.gateway.overriding = {{"override", "", "kong.service", 0, "KONG_PLUGINS is set", "mend"}};
  REQUIRE(agent.result(agent.apply("1.0.0", "u")) == Result::Refused);
  CHECK(agent.transactions->plan({.releases = {agent.release("1.0.0")}}).poison.empty());
  agent.gateway.overriding.clear();
  agent.gateway.findings = {{"load", "my-plugin", "", 0, "no", "mend it"}};
  REQUIRE(agent.result(agent.apply("1.0.0", "v")) == Result::Refused);
  CHECK_FALSE(agent.transactions->plan({.releases = {agent.release("1.0.0")}}).poison.empty());
}
