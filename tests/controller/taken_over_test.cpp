// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/recorded_run.hpp"
#include "controller/rollout_gate.hpp"

#include <catch2/catch.hpp>

#include "agents_fixture.hpp"
#include "state_fixture.hpp"
#include <algorithm>

namespace kongfleet::controller {

namespace {

Holder holder(const std::string& who) {
  return {who, "rollout", "machine of " + who, "1 2", wall_clock_ms(), wall_clock_ms()};
}

/// A rollout to two hosts of one wave, with a connection for one at a time: each order connects
/// anew.
struct TakenOver {
  AgentsFixture agents{2};
  StateFixture state;
  FleetMemory memory = state.open();
  FleetHold hold{memory.database, "edge", holder("ops@one"), FleetHold::Manner::Polite};
  std::unique_ptr<FleetHold> thief;
  KeepingView shown;
  TakenOver() {
    agents.fleet().ssh.max_connections = 1;
    agents.fleet().rollout.waves = {};
    agents.fleet().rollout.bake = std::chrono::milliseconds(0);
  }
  void take_over() {
    thief = std::make_unique<FleetHold>(memory.database, "edge", holder("eve@two"),
                                        FleetHold::Manner::BreakGlass);
  }
  /// Takes the fleet over when a host that has been told `word` is connected to again.
  void take_over_after(const std::string& word) {
    agents.connecting = [this, word](std::size_t host) {
      if (was_told(host, word) && !thief) take_over();
    };
  }
  bool was_told(std::size_t host, const std::string& word) const {
    const auto& told = agents.told[host];
    return std::find(told.begin(), told.end(), word) != told.end();
  }
  RunEnd roll_out(RolloutGate* gate) {
    return controller::roll_out(agents.run("rollout"), memory, hold, "", {shown, gate});
  }
};

/// Calls `asked` before a host is touched, and counts who is told of after.
struct Gate final : RolloutGate {
  std::function<std::string(const HostRun&)> asked;
  int told_after = 0;
  asio::awaitable<std::string> before_host(const HostRun& host, std::size_t) override {
    auto objection = asked(host);
    co_return objection;
  }
  asio::awaitable<void> after_host(const HostRun&, std::size_t, HostPhase) override {
    ++told_after;
    co_return;
  }
};

}  // namespace

TEST_CASE("a rollout that is taken over while a hook runs does not begin at that host") {
  TakenOver it;
  Gate gate;
  gate.asked = [&](const HostRun&) {
    if (!it.thief) it.take_over();
    return "";
  };
  const auto end = it.roll_out(&gate);
  CHECK(end.exit_code == 75);
  CHECK(end.taken_over == "taken over by eve@two: rollout");
  CHECK_FALSE(it.was_told(0, "apply"));
  CHECK_FALSE(it.was_told(1, "apply"));
  CHECK(gate.told_after == 0);
}

TEST_CASE("a rollout that is taken over while it connects confirms nothing any more") {
  TakenOver it;
  it.take_over_after("apply");
  const auto end = it.roll_out(nullptr);
  REQUIRE(it.thief);
  CHECK(end.exit_code == 75);
  for (const std::size_t host : {0U, 1U}) CHECK_FALSE(it.was_told(host, "confirm"));
}

TEST_CASE("a rollout that is taken over while it connects takes nothing back any more") {
  TakenOver it;
  it.take_over_after("apply");
  Gate gate;
  gate.asked = [&](const HostRun& host) { return host.label() == "edge-2" ? "no" : ""; };
  const auto end = it.roll_out(&gate);
  REQUIRE(it.thief);
  CHECK(end.exit_code == 75);
  CHECK_FALSE(it.was_told(0, "revert"));
}

TEST_CASE("a rollout that is taken over when all that is left is to write its end says so") {
  TakenOver it;
  it.agents.over = [&] { it.take_over(); };
  const auto end = it.roll_out(nullptr);
  CHECK(end.exit_code == 75);
  CHECK(end.taken_over == "taken over by eve@two: rollout");
  CHECK(end.forgotten.empty());
  for (const std::size_t host : {0U, 1U}) CHECK(it.was_told(host, "confirm"));
}

TEST_CASE("a rollout that nobody takes over confirms both its hosts") {
  TakenOver it;
  CHECK(it.roll_out(nullptr).exit_code == 0);
  for (const std::size_t host : {0U, 1U}) CHECK(it.was_told(host, "confirm"));
}

}  // namespace kongfleet::controller
