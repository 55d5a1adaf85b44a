// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Where in a transaction a smoke test stands, what its verdict does, and who cleans up after it.
#include "agent/http_client.hpp"
#include "agent/smoke_upstream.hpp"
#include "tests/agent/agent_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <future>
#include <thread>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;

ProbeSpec ordered_smoke(const std::string& plugin = "my-plugin") {
  ProbeSpec probe;
  probe.name = "guide";
  probe.type = ProbeType::Smoke;
  probe.plugin = plugin;
  return probe;
}

std::size_t times(const AgentFixture& agent, const std::string& call) {
  const auto& calls = agent.gateway.calls;
  return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), call));
}

bool poisoned(AgentFixture& agent, const std::string& version) {
  return !agent.transactions->plan({.releases = {agent.release(version)}}).poison.empty();
}

}  // namespace

TEST_CASE("a smoke test is asked about before anything changes, and run once, when Kong serves") {
  AgentFixture agent;
  agent.probes = {ordered_smoke()};
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  CHECK(agent.gateway.calls ==
        Calls{"may smoke guide", "preflight", "reload", "verify", "smoke guide"});
}

TEST_CASE("a smoke test that can't come to a verdict refuses the release") {
  AgentFixture agent;
  agent.probes = {ordered_smoke()};
  agent.gateway.objections = {{"probe", "", "", 0, "probe 'guide': no database", "use http"}};
  const auto reply = agent.apply("1.0.0");
  CHECK(agent.result(reply) == Result::Refused);
  CHECK(std::get<Outcome>(reply).cause == "probe 'guide': no database (use http)");
  CHECK(times(agent, "reload") == 0);
  CHECK_FALSE(poisoned(agent, "1.0.0"));
}

TEST_CASE("a smoke test is of a plugin that is rolled out, of no other one that Kong has") {
  AgentFixture agent;
  agent.probes = {ordered_smoke("pre-function")};
  const auto reply = agent.apply("1.0.0");
  CHECK(agent.result(reply) == Result::Refused);
  CHECK(std::get<Outcome>(reply).cause.find("'pre-function' is none of the plugins rolled out") !=
        std::string::npos);
  CHECK(times(agent, "smoke guide") == 0);
  CHECK(times(agent, "reload") == 0);
}

TEST_CASE("a smoke test that fails takes the release back, and condemns it") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.probes = {ordered_smoke()};
  agent.gateway.on_smoke = [](ProbeOutcome& outcome) {
    outcome.ok = false;
    outcome.detail = "no header X-MyPlugin";
  };
  const auto reply = agent.apply("1.1.0");
  CHECK(agent.result(reply) == Result::RolledBack);
  CHECK(std::get<Outcome>(reply).cause == "probe 'guide': no header X-MyPlugin");
  CHECK(agent.named_version() == "1.0.0");
  CHECK(poisoned(agent, "1.1.0"));
}

TEST_CASE("a smoke test that is inconclusive takes the release back and does not condemn it") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.probes = {ordered_smoke()};
  agent.gateway.on_smoke = [](ProbeOutcome& outcome) {
    outcome.ok = false;
    outcome.inconclusive = true;
    outcome.detail = "no answer in time";
  };
  const auto reply = agent.apply("1.1.0");
  CHECK(agent.result(reply) == Result::RolledBack);
  CHECK(std::get<Outcome>(reply).cause == "probe 'guide' is inconclusive: no answer in time");
  CHECK_FALSE(poisoned(agent, "1.1.0"));
}

TEST_CASE("what a smoke test left is removed before Kong reloads what may not have the plugin") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  agent.gateway.calls.clear();
  agent.gateway.litter = 1;
  agent.restart();
  CHECK(agent.recovered.result == Result::RolledBack);
  CHECK(agent.gateway.calls == Calls{"clear smoke", "reload", "verify"});
}

TEST_CASE("what a smoke test left is looked for again until it is gone") {
  AgentFixture agent;
  agent.gateway.litter = 3;
  agent.transactions.reset();
  agent.transactions = std::make_unique<Transactions>(agent.config, agent.gateway, 1ms);
  agent.transactions->recover(Witness::AfterDeath);
  const auto until = std::chrono::steady_clock::now() + 60s;
  while (agent.gateway.litter > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  CHECK(agent.gateway.litter == 0);
  agent.transactions.reset();
  CHECK(times(agent, "clear smoke") == 3);
}

TEST_CASE("a way back waits while what a smoke test left is being removed") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  std::promise<void> clearing, go_on;
  agent.gateway.on_clear = [&, time = 0]() mutable {
    constexpr int second = 2;  // the first is the agent's, as it starts
    if (++time != second) return;
    clearing.set_value();
    go_on.get_future().wait();
  };
  agent.gateway.litter = 1000;
  agent.transactions.reset();
  agent.transactions = std::make_unique<Transactions>(agent.config, agent.gateway, 1ms);
  agent.transactions->recover(Witness::AfterDeath);
  clearing.get_future().wait();
  auto back = std::async(std::launch::async, [&] {
    Order order;
    order.transaction = "back";
    return agent.transactions->apply_at_once(order, agent.transactions->plan_return({}), {});
  });
  CHECK(back.wait_for(50ms) == std::future_status::timeout);
  go_on.set_value();
  CHECK(agent.result(back.get()) == Result::Committed);
}

TEST_CASE("the smoke test's upstream answers one request after the other, and ends at once") {
  const HttpClient client("/nonexistent/hosts");
  std::uint16_t port = 0;
  const auto until = std::chrono::steady_clock::now() + 20s;
  {
    const SmokeUpstream upstream;
    port = upstream.port();
    HttpQuestion question;
    question.url = std::get<HttpUrl>(HttpUrl::parse("http://127.0.0.1:" + std::to_string(port)));
    for (int i = 0; i < 3; ++i) {
      const auto result = client.ask(question, until);
      REQUIRE(result.response);
      CHECK(result.response->status == 200);
      CHECK(result.response->body == "{}");
    }
  }
  CHECK(client.connect({"127.0.0.1", port}, until) != "");
}

}  // namespace kongfleet::agent::test
