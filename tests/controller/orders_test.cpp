// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// What a fleet's hosts are told, when, and what becomes of answers that are not what was asked.
#include "controller/fleet_ssh.hpp"
#include "controller/recorded_run.hpp"

#include <catch2/catch.hpp>

#include "agents_fixture.hpp"
#include "state_fixture.hpp"
#include <algorithm>
#include <csignal>
#include <set>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

struct Ordered {
  AgentsFixture agents;
  StateFixture state;
  FleetMemory memory = state.open();
  FleetHold hold{memory.database, "edge",
                 Holder{"ops@one", "rollout", "machine", "1 2", wall_clock_ms(), wall_clock_ms()},
                 FleetHold::Manner::Polite};
  KeepingView shown;
  explicit Ordered(std::size_t hosts) : agents(hosts) {
    agents.fleet().rollout.waves = {};
    agents.fleet().rollout.bake = 0ms;
    agents.fleet().rollout.deadline = 77s;
  }
  RunEnd roll_out() {
    return controller::roll_out(agents.run("rollout"), memory, hold, "", {shown, nullptr});
  }
  RunEnd roll_back() { return agents.run("rollback").roll_back({}, shown); }
};

std::size_t how_many(const RunEnd& end, HostPhase wanted) {
  const auto is_it = [&](const auto& host) { return host.second == wanted; };
  return static_cast<std::size_t>(std::count_if(end.hosts.begin(), end.hosts.end(), is_it));
}

}  // namespace

TEST_CASE("a host is told the fleet's deadline, there and back") {
  Ordered it(1);
  std::vector<std::uint32_t> deadlines;
  it.agents.answers = [&](std::size_t, const wire::ToAgent& message) {
    if (message.has_apply()) deadlines.push_back(message.apply().deadline_ms());
    if (message.has_rollback()) deadlines.push_back(message.rollback().deadline_ms());
    return true;
  };
  CHECK(it.roll_out().exit_code == 0);
  CHECK(it.roll_back().exit_code == 0);
  CHECK(deadlines == std::vector<std::uint32_t>{77'000, 77'000});
}

TEST_CASE("a rollback tells all hosts at once, and one that says nothing holds nobody up") {
  Ordered it(4);
  std::set<std::size_t> told;
  it.agents.answers = [&](std::size_t host, const wire::ToAgent&) {
    told.insert(host);
    if (told.size() == 4) it.agents.loop().io().stop();
    return false;  // nobody answers before all were told, or this never ends
  };
  const auto end = it.roll_back();
  CHECK(told.size() == 4);
  CHECK(how_many(end, HostPhase::Reverting) == 4);
}

TEST_CASE("a rollback goes on when a host refuses and another one is stranded") {
  Ordered it(3);
  it.agents.refuses = [](std::size_t host, const wire::ToAgent& message) {
    return host == 0 && message.has_rollback() ? "no-generation" : "";
  };
  it.agents.says = [](std::size_t host, wire::ToController& answer) {
    if (host == 1) answer.mutable_outcome()->set_result(wire::Outcome::STRANDED);
  };
  const auto end = it.roll_back();
  CHECK(how_many(end, HostPhase::Stranded) == 1);
  CHECK(how_many(end, HostPhase::Done) == 1);
  CHECK(end.exit_code == 4);
}

TEST_CASE("an outcome that comes twice is not taken for the answer to what is asked next") {
  Ordered it(2);
  it.agents.repeats = true;
  std::size_t confirmed = 0;
  it.agents.answers = [&](std::size_t, const wire::ToAgent& message) {
    confirmed += message.has_confirm();
    return true;
  };
  const auto end = it.roll_out();
  CHECK(how_many(end, HostPhase::Done) == 2);
  CHECK(confirmed >= 2);
}

TEST_CASE("a host that went silent while its wave baked keeps the others from being confirmed") {
  Ordered it(2);
  it.agents.fleet().rollout.bake = 20ms;
  auto& io = it.agents.loop().io();
  Timer enough(io);
  it.agents.answers = [&](std::size_t host, const wire::ToAgent& message) {
    if (host == 0 || !message.has_renew()) return true;
    enough.expires_after(300ms);
    enough.async_wait([&](const auto&) { io.stop(); });
    return false;
  };
  it.roll_out();
  const auto& told = it.agents.told;
  CHECK(std::count(told[0].begin(), told[0].end(), "renew") == 1);
  CHECK(std::count(told[1].begin(), told[1].end(), "renew") == 1);
  for (const std::size_t host : {0U, 1U})
    CHECK(std::count(told[host].begin(), told[host].end(), "confirm") == 0);
}

TEST_CASE("a Ctrl-C while stock is taken is told, with what becomes of the hosts") {
  AgentsFixture agents(2);
  agents.answers = [&](std::size_t host, const wire::ToAgent&) {
    if (host == 1) ::raise(SIGINT);
    return host == 0;
  };
  auto& run = agents.run("rollout");
  CHECK_THROWS_WITH(run.ask_again({true, true}, [] {}),
                    Contains("interrupted while its hosts were asked how they are") &&
                        Contains("'kongfleet resume rollout-1'"));
}

TEST_CASE("taking stock: a renewal that gets no answer lets no other host's lease run out") {
  constexpr std::size_t silent = 0, quick = 1, last = 2;
  AgentsFixture agents(3);
  agents.fleet().rollout.confirm_timeout = 1ms;  // renewed as often as ever
  agents.away[last] = true;
  std::size_t renewed_since = 0;
  agents.answers = [&](std::size_t host, const wire::ToAgent&) {
    if (host == silent && agents.told[silent].size() == 2) {
      agents.away[last] = false;  // all have answered once, and one renewal hangs
      return false;
    }
    if (host == quick && !agents.told[last].empty()) ++renewed_since;
    if (renewed_since == 3) agents.loop().io().stop();
    return true;
  };
  agents.run("rollout").ask_again({true, true, true}, [] {});
  CHECK(renewed_since == 3);
}

TEST_CASE("links are opened within the fleet's limit") {
  Fleet fleet;
  fleet.ssh.max_connections = 3;
  CHECK(ssh_settings_of(fleet).max_connections == 3);
}

}  // namespace kongfleet::controller
