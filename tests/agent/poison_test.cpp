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

namespace {

/// An agent whose probe 'echo' fails, and what it then thinks of 1.1.0.
struct FailingProbe {
  AgentFixture agent;

  FailingProbe() {
    REQUIRE(agent.deploy("1.0.0") == Result::Committed);
    agent.probes = {{.name = "echo"}};
    agent.gateway.on_probe = [](const ProbeSpec&) { return false; };
  }
  std::string poison() {
    return agent.transactions->plan({.releases = {agent.release("1.1.0")}}).poison;
  }
};

}  // namespace

TEST_CASE("a probe that nobody answers, with the release or without, condemns nothing") {
  FailingProbe host;
  host.agent.gateway.after_probe = [](ProbeOutcome& outcome) { outcome.unanswered = true; };
  const auto reply = host.agent.apply("1.1.0");
  CHECK(host.agent.result(reply) == Result::RolledBack);
  const auto& outcome = std::get<Outcome>(reply);
  CHECK(outcome.cause ==
        "probe 'echo': status 500; nobody answers it without the release either, so that proves "
        "nothing");
  CHECK(outcome.probes.back().inconclusive);
  CHECK(host.poison().empty());
}

TEST_CASE("whoever stops Kong makes no release bad") {
  FailingProbe host;
  host.agent.gateway.on_probe = [&](const ProbeSpec&) {
    host.agent.gateway.facts.stopping = true;
    host.agent.gateway.looks_until_gone = 3;
    return false;
  };
  CHECK(host.agent.result(host.agent.apply("1.1.0")) == Result::RolledBack);
  CHECK(host.agent.named_version() == "1.0.0");
  CHECK(host.poison().empty());
}

TEST_CASE("a probe that nobody answers in a trial is asked once more when the release is gone") {
  const bool answered_then = GENERATE(false, true);
  FailingProbe host;
  host.agent.gateway.on_probe = {};
  REQUIRE(host.agent.result(host.agent.apply("1.1.0", "in trial")) == Result::Trial);
  host.agent.gateway.on_probe = [&](const ProbeSpec&) {
    return answered_then && host.agent.named_version() == "1.0.0";
  };
  host.agent.gateway.after_probe = [](ProbeOutcome& outcome) { outcome.unanswered = !outcome.ok; };
  const auto reply = host.agent.transactions->confirm("in trial", {});
  CHECK(host.agent.result(reply) == Result::RolledBack);
  CHECK(host.agent.named_version() == "1.0.0");
  CHECK(host.poison().empty() != answered_then);
  const auto& outcome = std::get<Outcome>(reply);
  CHECK((outcome.cause.find("so that proves nothing") == std::string::npos) == answered_then);
  CHECK(outcome.probes.back().ok);
}

TEST_CASE("a probe that is answered again without the release condemns it, and so does an answer") {
  for (const bool answered_first : {false, true}) {
    FailingProbe host;
    int count = 0;
    host.agent.gateway.after_probe = [&](ProbeOutcome& outcome) {
      outcome.unanswered = (++count == 1) != answered_first;
    };
    CHECK(host.agent.result(host.agent.apply("1.1.0")) == Result::RolledBack);
    CHECK(host.poison() == "probe 'echo': status 500");
  }
}

TEST_CASE("a probe that time ran out for takes the release back and condemns nothing") {
  FailingProbe host;
  host.agent.gateway.after_probe = [](ProbeOutcome& outcome) { outcome.inconclusive = true; };
  CHECK(host.agent.result(host.agent.apply("1.1.0")) == Result::RolledBack);
  CHECK(host.poison().empty());
  host.agent.gateway.on_probe = {};
  host.agent.gateway.after_probe = {};
  REQUIRE(host.agent.result(host.agent.apply("1.1.0", "in trial")) == Result::Trial);
  host.agent.gateway.on_probe = [](const ProbeSpec&) { return false; };
  host.agent.gateway.after_probe = [](ProbeOutcome& outcome) { outcome.inconclusive = true; };
  (void)host.agent.transactions->confirm("in trial", {});
  CHECK(host.agent.named_version() == "1.0.0");
  CHECK(host.poison().empty());
}
