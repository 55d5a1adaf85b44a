// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_record.hpp"

#include <catch2/catch.hpp>

#include "agents_fixture.hpp"
#include "state_fixture.hpp"

namespace kongfleet::controller {

namespace {

/// A rollout that was begun, and what writes it down.
struct Recorded {
  explicit Recorded(std::size_t hosts)
      : agents(hosts), run(agents.run("rollout")), rollout(begun("rollout-1", hosts)) {
    memory.rollouts.begin(rollout, {});
  }
  AgentsFixture agents;
  StateFixture state;
  FleetMemory memory = state.open();
  FleetHold hold{memory.database,
                 "edge",
                 {"ops@one", "rollout", "machine", "1 2", wall_clock_ms(), wall_clock_ms()},
                 FleetHold::Manner::BreakGlass};
  KeepingView shown;
  FleetRun& run;
  const RememberedRollout rollout;
  RolloutRecord record{rollout, run.hosts(), memory.rollouts, hold, shown};
};

}  // namespace

TEST_CASE("what a host came to is remembered once it is heard, when a rollout is taken up again") {
  Recorded it(4);
  const auto came_to = [&](std::size_t host, wire::Outcome::Result result) {
    wire::Outcome outcome;
    outcome.set_result(result);
    it.run.hosts()[host]->outcome = outcome;
  };
  came_to(0, wire::Outcome::TRIAL);
  came_to(1, wire::Outcome::COMMITTED);
  came_to(2, wire::Outcome::TRIAL);  // it begins anew: that was another transaction's
  it.record.taken_up(
      {{HostPhase::Trial}, {HostPhase::Done}, {HostPhase::Waiting, true}, {HostPhase::Lost}},
      "resume");
  const auto hosts = it.memory.rollouts.find(it.rollout.id).hosts;
  REQUIRE(hosts[0].outcome);
  CHECK(hosts[0].outcome->result() == wire::Outcome::TRIAL);
  REQUIRE(hosts[1].outcome);
  CHECK(hosts[1].outcome->result() == wire::Outcome::COMMITTED);
  CHECK_FALSE(hosts[2].outcome);
  CHECK(hosts[2].attempt == it.rollout.hosts[2].attempt + 1);
  CHECK_FALSE(hosts[3].outcome);
}

TEST_CASE("what happens between two commits is remembered at the next beat") {
  Recorded it(2);
  wire::Progress progress;
  progress.set_step("verify");
  it.record.step(*it.run.hosts()[0], progress);
  const auto last = [&] { return it.state.open().rollouts.events("rollout-1").back().kind; };
  CHECK(last() == "begin");
  it.record.beat();
  CHECK(last() == "step");
}

}  // namespace kongfleet::controller
