// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_record.hpp"

#include <catch2/catch.hpp>

#include "agents_fixture.hpp"
#include "state_fixture.hpp"

namespace kongfleet::controller {

TEST_CASE("what a host came to is remembered once it is heard, when a rollout is taken up again") {
  AgentsFixture agents(4);
  StateFixture state;
  FleetMemory memory = state.open();
  FleetHold hold{memory.database,
                 "edge",
                 {"ops@one", "resume", "machine", "1 2", wall_clock_ms(), wall_clock_ms()},
                 FleetHold::Manner::BreakGlass};
  KeepingView shown;
  auto& run = agents.run("rollout");
  const auto rollout = begun("rollout-1", 4);
  memory.rollouts.begin(rollout, {});
  RolloutRecord record(rollout, run.hosts(), memory.rollouts, hold, shown);
  const auto came_to = [&](std::size_t host, wire::Outcome::Result result) {
    wire::Outcome outcome;
    outcome.set_result(result);
    run.hosts()[host]->outcome = outcome;
  };
  came_to(0, wire::Outcome::TRIAL);
  came_to(1, wire::Outcome::COMMITTED);
  came_to(2, wire::Outcome::TRIAL);  // it begins anew: that was another transaction's
  record.taken_up(
      {{HostPhase::Trial}, {HostPhase::Done}, {HostPhase::Waiting, true}, {HostPhase::Lost}},
      "resume");
  const auto hosts = memory.rollouts.find(rollout.id).hosts;
  REQUIRE(hosts[0].outcome);
  CHECK(hosts[0].outcome->result() == wire::Outcome::TRIAL);
  REQUIRE(hosts[1].outcome);
  CHECK(hosts[1].outcome->result() == wire::Outcome::COMMITTED);
  CHECK_FALSE(hosts[2].outcome);
  CHECK(hosts[2].attempt == rollout.hosts[2].attempt + 1);
  CHECK_FALSE(hosts[3].outcome);
}

TEST_CASE("what happens between two commits is remembered at the next beat") {
  AgentsFixture agents(2);
  StateFixture state;
  FleetMemory memory = state.open();
  FleetHold hold{memory.database,
                 "edge",
                 {"ops@one", "rollout", "machine", "1 2", wall_clock_ms(), wall_clock_ms()},
                 FleetHold::Manner::BreakGlass};
  KeepingView shown;
  auto& run = agents.run("rollout");
  const auto rollout = begun("rollout-1", 2);
  memory.rollouts.begin(rollout, {});
  RolloutRecord record(rollout, run.hosts(), memory.rollouts, hold, shown);
  wire::Progress progress;
  progress.set_step("verify");
  record.step(*run.hosts()[0], progress);
  const auto last = [&] { return state.open().rollouts.events("rollout-1").back().kind; };
  CHECK(last() == "begin");
  record.beat();
  CHECK(last() == "step");
}

}  // namespace kongfleet::controller
