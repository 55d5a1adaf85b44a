// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// What a transaction makes of a host that is not as it should be, and of requests that no sound
// controller sends.
#include "proto/error.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace std::chrono_literals;

TEST_CASE("applying a plan that changes nothing changes nothing") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto conf = agent.conf();
  CHECK(agent.result(agent.apply("1.0.0", "again")) == Result::Unchanged);
  CHECK(agent.conf() == conf);
  agent.check_at_rest();
  AgentFixture fresh;
  Order order;
  order.transaction = "t";
  const auto reply =
      fresh.transactions->apply(order, fresh.transactions->plan({}), nullptr, 1min, {});
  CHECK(fresh.result(reply) == Result::Unchanged);
  CHECK(fresh.conf() == "log_level = notice\nplugins = bundled\n");
}

TEST_CASE("the line that an agent owed its history when it died is added by the next one, once") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto path = agent.config.state / "history.jsonl";
  std::filesystem::remove(path);
  agent.restart();
  auto lines = agent.transactions->history(10);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("\"result\":\"committed\",\"from\":0,\"to\":1"));
  agent.restart();
  CHECK(agent.transactions->history(10).size() == 1);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  agent.restart();
  CHECK(agent.transactions->history(10).size() == 2);
}

TEST_CASE("a plan made before another transaction ended is for another host") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto stale = agent.transactions->plan({.releases = {agent.release("1.1.0")}});
  agent.gateway.on_probe = nullptr;
  REQUIRE(agent.result(agent.apply("1.1.0", "other")) == Result::Trial);
  REQUIRE(agent.result(agent.transactions->revert("other", "", {})) == Result::RolledBack);
  Order order;
  order.transaction = "late";
  const auto reply = agent.transactions->apply(order, stale, nullptr, 1min, {});
  CHECK(std::get<Refusal>(reply).code == "changed");
}

TEST_CASE("a cause of any length and any bytes is journaled, and the agent starts again") {
  AgentFixture agent;
  std::string cause;
  for (int i = 0; i < 6000; ++i) cause += "\xc3\xa9";
  agent.gateway.on_verify = [&](const Expectation&) {
    Verdict verdict;
    verdict.cause = cause + "\xff\n";
    verdict.ok = agent.gateway.calls.size() > 3;
    return verdict;
  };
  CHECK(agent.result(agent.apply("1.0.0")) == Result::RolledBack);
  REQUIRE(agent.result(agent.apply("1.1.0", "next")) == Result::Trial);
  agent.restart();
  CHECK(agent.recovered.result == Result::RolledBack);
  agent.check_at_rest();
}

TEST_CASE("a kept generation with a damaged manifest holds nothing up") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  const GenerationStore store(agent.config.state / "generations");
  std::ofstream(store.directory(*store.find(1)) / ".kongfleet/my-plugin.manifest") << "garbage";
  CHECK(agent.transactions->state().state == "ready");
  CHECK(agent.deploy("1.2.0") == Result::Committed);
  std::ofstream(store.directory(*store.find(3)) / ".kongfleet/my-plugin.manifest") << "garbage";
  CHECK(agent.transactions->state().drift.size() == 1);
  CHECK(agent.deploy("1.2.0") == Result::Committed);
  CHECK(agent.transactions->state().drift.empty());
}

TEST_CASE("a trial whose generation somebody took out of kong.conf is not confirmed") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto before = agent.conf();
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  agent.edit_conf(before);
  const auto reply = agent.transactions->confirm("t", {});
  CHECK(agent.result(reply) == Result::RolledBack);
  CHECK(std::get<Outcome>(reply).cause.find("names this generation no longer") !=
        std::string::npos);
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a Kong that is just restarting is waited for, and made to read what was restored") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  agent.gateway.calls.clear();
  agent.gateway.looks_until_running = 5;
  CHECK(agent.result(agent.transactions->revert("t", "", {})) == Result::RolledBack);
  CHECK(agent.gateway.calls == Calls{"reload", "verify"});
}

TEST_CASE("a preflight that can't be held leaves no copy of kong.conf behind") {
  AgentFixture agent;
  std::size_t copies = 0;
  const auto count = [&] {
    copies = 0;
    using std::filesystem::recursive_directory_iterator;
    for (const auto& entry : recursive_directory_iterator(agent.config.state)) {
      if (entry.is_regular_file() && entry.path().filename().string().ends_with(".conf")) ++copies;
    }
  };
  agent.gateway.on_preflight = [&] {
    count();
    throw Error("systemd-run: no end within the time allowed");
  };
  CHECK(agent.result(agent.apply("1.0.0")) == Result::Refused);
  CHECK(copies == 1);
  count();
  CHECK(copies == 0);
}

TEST_CASE("what a probe got is told only where whoever brings code may know it anyway") {
  AgentFixture agent;
  const bool required = GENERATE(false, true);
  ProbeSpec first, echo;
  first.name = "first";
  echo.name = "echo";
  agent.probes = {first, echo};
  agent.gateway.on_probe = [&](const ProbeSpec& asked) {
    // Only now: what is staged here is not signed.
    if (asked.name == "first") agent.config.signatures = required ? "required" : "off";
    if (asked.name == "echo") CHECK(asked.own != required);
    return asked.name == "first";
  };
  agent.gateway.after_probe = [](ProbeOutcome& outcome) { outcome.came = "500, body 'page'"; };
  const auto reply = agent.apply("1.1.0");
  const auto told = required ? "" : "; what came: 500, body 'page'";
  CHECK(std::get<Outcome>(reply).cause == std::string("probe 'echo': status 500") + told);
}
