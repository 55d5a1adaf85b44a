// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollback_target.hpp"

#include <catch2/catch.hpp>

#include "agents_fixture.hpp"
#include "state_fixture.hpp"

namespace kongfleet::controller {

namespace {

wire::Outcome committed(std::uint64_t generation) {
  wire::Outcome outcome;
  outcome.set_result(wire::Outcome::COMMITTED);
  outcome.mutable_host()->set_generation(generation);
  outcome.mutable_host()->set_generation_digest("d" + std::to_string(generation));
  return outcome;
}

/// A rollout that is over: host-1 was confirmed, host-2 kept it, host-3 went back, host-4 had it.
struct OverRollout {
  RememberedRollout it = begun("rollout-1", 4);
  std::vector<FleetHost> named{4};
  std::vector<const FleetHost*> hosts;
  OverRollout() {
    it.state = RolloutState::Ended;
    const HostPhase phases[] = {HostPhase::Done, HostPhase::Kept, HostPhase::Back,
                                HostPhase::Unchanged};
    for (std::size_t i = 0; i < named.size(); ++i) {
      it.hosts[i].phase = phases[i];
      if (i < 3) it.hosts[i].outcome = committed(i + 2);
      named[i].name = it.hosts[i].label;
      hosts.push_back(&named[i]);
    }
  }
};

/// A host that is told to take back what generation 3 brought, and nothing else.
struct TakenBack {
  AgentsFixture agents{1};
  explicit TakenBack(std::uint64_t runs, const std::string& digest = "d3") {
    agents.greets = [runs, digest](std::size_t, wire::HostState& state) {
      state.set_generation(runs);
      state.set_generation_digest(digest);
    };
  }
  RunEnd roll_back() {
    auto& run = agents.run("rollback");
    run.hosts()[0]->takes_back_only(committed(3).host());
    KeepingView view;
    return run.roll_back({}, view);
  }
};

const std::vector<std::string> once = {"rollback"};
const std::vector<std::string> nothing;

}  // namespace

TEST_CASE("a rollback of one rollout is of the hosts that kept what it brought") {
  OverRollout over;
  const auto targets = rollback_targets(over.it, over.hosts);
  REQUIRE(targets.size() == 2);
  CHECK(targets[0].host == over.hosts[0]);
  CHECK(targets[0].brought.generation() == 2);
  CHECK(targets[1].host == over.hosts[1]);
  CHECK(targets[1].brought.generation_digest() == "d3");
}

TEST_CASE("a rollback of one rollout is of the hosts that are selected, if any kept it") {
  OverRollout over;
  CHECK(rollback_targets(over.it, {over.hosts[3], over.hosts[1]}).size() == 1);
  CHECK_THROWS_WITH(rollback_targets(over.it, {over.hosts[2], over.hosts[3]}),
                    "rollout-1 left nothing on these hosts that could be taken back ('kongfleet "
                    "show rollout-1'); nothing was touched");
}

TEST_CASE("a rollout that is not over is aborted, and a rollback is not taken back") {
  OverRollout over;
  over.it.state = RolloutState::Paused;
  CHECK_THROWS_WITH(rollback_targets(over.it, over.hosts),
                    "rollout-1 is not over: 'kongfleet abort rollout-1' takes it back; nothing was "
                    "touched");
  over.it.state = RolloutState::Ended;
  over.it.kind = "rollback";
  CHECK_THROWS_WITH(rollback_targets(over.it, over.hosts),
                    "rollout-1 is a rollback; name a rollout, as 'kongfleet history' shows them; "
                    "nothing was touched");
}

TEST_CASE("a host that runs what a rollout brought goes back from it") {
  TakenBack it(3);
  const auto end = it.roll_back();
  CHECK(end.hosts[0].second == HostPhase::Done);
  CHECK(end.exit_code == 0);
  CHECK(it.agents.told[0] == once);
}

TEST_CASE("a host that went back from it already is left as it is") {
  TakenBack it(2, "d2");
  const auto end = it.roll_back();
  CHECK(end.hosts[0].second == HostPhase::Unchanged);
  CHECK(end.hosts[0].first->problem.empty());
  CHECK(end.exit_code == 0);
  CHECK(it.agents.told[0] == nothing);
}

TEST_CASE("a host that got something else since then is left as it is, and says so") {
  for (const auto& [runs, digest] : {std::pair(4, "d3"), std::pair(3, "another")}) {
    TakenBack it(static_cast<std::uint64_t>(runs), digest);
    const auto end = it.roll_back();
    CHECK(end.hosts[0].second == HostPhase::Refused);
    CHECK(end.hosts[0].first->problem.starts_with("it runs generation " + std::to_string(runs) +
                                                  " by now, not generation 3 of that rollout"));
    CHECK(end.exit_code == 5);
    CHECK(it.agents.told[0] == nothing);
  }
}

TEST_CASE("a host with a transaction that is open is not taken out of that instead") {
  TakenBack it(3);
  it.agents.greets = [](std::size_t, wire::HostState& state) {
    state = committed(3).host();
    state.set_state("trial");
    state.mutable_open()->set_id("rollout-2/edge-1");
  };
  const auto end = it.roll_back();
  CHECK(end.hosts[0].second == HostPhase::Refused);
  CHECK(end.hosts[0].first->problem.starts_with("transaction 'rollout-2/edge-1' is open on it"));
  CHECK(it.agents.told[0] == nothing);
}

TEST_CASE("a host whose answer was lost is told again, though it runs something else by then") {
  TakenBack it(3);
  bool back = false;
  it.agents.greets = [&back](std::size_t, wire::HostState& state) {
    state = committed(back ? 2 : 3).host();
  };
  it.agents.says = [&back](std::size_t, wire::ToController&) {
    if (!std::exchange(back, true)) throw LinkError(LinkFault::Lost, "the link was torn");
  };
  const auto end = it.roll_back();
  CHECK(end.hosts[0].second == HostPhase::Done);
  CHECK(it.agents.told[0] == std::vector<std::string>{"rollback", "rollback"});
}

}  // namespace kongfleet::controller
