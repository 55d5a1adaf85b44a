// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollback_target.hpp"

#include "controller/rollout_plan.hpp"

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
  outcome.mutable_host()->set_before(generation - 1);
  return outcome;
}

/// A rollout that is over: host-1 was confirmed, host-2 kept it, host-3 went back, host-4 had it,
/// host-5 went silent.
struct OverRollout {
  RememberedRollout it = begun("rollout-1", 5);
  std::vector<FleetHost> named{5};
  std::vector<const FleetHost*> hosts;
  OverRollout() {
    it.state = RolloutState::Ended;
    it.releases = {{"my-plugin", "2.0.0", "abc"}, {"other", "1.0.0", "def"}};
    const HostPhase phases[] = {HostPhase::Done, HostPhase::Kept, HostPhase::Back,
                                HostPhase::Unchanged, HostPhase::Lost};
    for (std::size_t i = 0; i < named.size(); ++i) {
      it.hosts[i].phase = phases[i];
      if (i < 3) it.hosts[i].outcome = committed(i + 2);
      named[i].name = it.hosts[i].label;
      named[i].plugins = {"my-plugin"};
      hosts.push_back(&named[i]);
    }
    it.plan = text_of(RolloutPlan{.rules = {}, .hosts = named, .probes = {}});
  }
};

/// A host that is told to take back what generation 3 brought, and nothing else.
struct TakenBack {
  AgentsFixture agents{1};
  std::vector<std::uint64_t> to;  // where it was told to go, each time
  explicit TakenBack(std::uint64_t runs) {
    agents.greets = [runs](std::size_t, wire::HostState& state) { state = committed(runs).host(); };
    agents.answers = [this](std::size_t, const wire::ToAgent& message) {
      if (message.has_rollback() && message.rollback().has_to())
        to.push_back(message.rollback().to());
      return true;
    };
  }
  RunEnd roll_back() {
    auto& run = agents.run("rollback");
    run.hosts()[0]->takes_back_only({.heard = Brought::Generation{3, "d3", 2}, .releases = {}});
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
  REQUIRE(targets.size() == 3);
  CHECK(targets[0].host == over.hosts[0]);
  REQUIRE(targets[0].brought.heard);
  CHECK(targets[0].brought.heard->number == 2);
  CHECK(targets[0].brought.heard->digest == "d2");
  CHECK(targets[0].brought.heard->before == 1);
  CHECK(targets[1].host == over.hosts[1]);
  CHECK(targets[1].brought.heard->digest == "d3");
  // It may run it, and may not: it is to be asked.
  CHECK(targets[2].host == over.hosts[4]);
  CHECK_FALSE(targets[2].brought.heard);
  REQUIRE(targets[2].brought.releases.size() == 1);  // of its own plugins
  CHECK(targets[2].brought.releases[0].name() == "my-plugin");
}

TEST_CASE("hosts that the fleet file names no more are not forgotten") {
  OverRollout over;
  Fleet fleet;
  fleet.hosts = {over.named[0], over.named[4]};
  CHECK(lost_targets(over.it, fleet) == std::vector<std::string>{"host-2"});
}

TEST_CASE(
    "what a rollout brought is known by its number and digest, and by what was mended of it") {
  const Brought brought{.heard = Brought::Generation{3, "d3", 2}, .releases = {}};
  const auto is = [&](std::uint64_t number, const std::string& digest, std::uint64_t before) {
    wire::HostState now;
    now.set_generation(number);
    now.set_generation_digest(digest);
    now.set_before(before);
    return brought_is(brought, now);
  };
  CHECK(is(3, "d3", 2) == BroughtIs::There);
  CHECK(is(4, "d3", 3) == BroughtIs::There);     // drift was mended
  CHECK(is(4, "d3", 2) == BroughtIs::Replaced);  // another rollout brought the same again
  CHECK(is(3, "d9", 2) == BroughtIs::Replaced);  // a host that was set up anew
  CHECK(is(2, "d2", 1) == BroughtIs::Gone);
  CHECK(is(1, "d1", 0) == BroughtIs::Replaced);
  CHECK(is(4, "d4", 3) == BroughtIs::Replaced);
}

TEST_CASE("a rollout that took the last plugin away is taken back, too") {
  const Brought brought{.heard = Brought::Generation{0, "", 3}, .releases = {}};
  wire::HostState now;
  CHECK(brought_is(brought, now) == BroughtIs::There);
  now.set_generation(3);
  now.set_generation_digest("d3");
  CHECK(brought_is(brought, now) == BroughtIs::Gone);
}

TEST_CASE("of a host that was not heard of, the releases it runs tell") {
  Brought brought;
  auto& release = brought.releases.emplace_back();
  release.set_name("my-plugin");
  release.set_digest("abc");
  wire::HostState now;
  auto& runs = *now.add_releases();
  runs.set_name("my-plugin");
  runs.set_digest("another");
  CHECK(brought_is(brought, now) == BroughtIs::Gone);
  runs.set_digest("abc");
  CHECK(brought_is(brought, now) == BroughtIs::Unknown);
  now.clear_releases();  // it runs something, and can't say what
  now.set_generation(7);
  CHECK(brought_is(brought, now) == BroughtIs::Unknown);
  now.set_generation(0);
  CHECK(brought_is(brought, now) == BroughtIs::Gone);
}

TEST_CASE("where an agent did not say what was before, nobody guesses") {
  CHECK(brought_is({.heard = Brought::Generation{3, "d3", {}}, .releases = {}},
                   committed(3).host()) == BroughtIs::Unknown);
}

TEST_CASE("a rollback of one rollout is of the hosts that are selected, if any kept it") {
  OverRollout over;
  CHECK(rollback_targets(over.it, {over.hosts[3], over.hosts[1]}).size() == 1);
  CHECK_THROWS_WITH(rollback_targets(over.it, {over.hosts[2], over.hosts[3]}),
                    "rollout-1 left nothing on these hosts that could be taken back ('kongfleet "
                    "show rollout-1'); nothing was touched");
}

TEST_CASE("a host that runs what a rollout brought goes to where it was before that") {
  for (const std::uint64_t runs : {3U, 4U}) {
    TakenBack it(runs);
    it.agents.greets = [runs](std::size_t, wire::HostState& state) {
      state = committed(3).host();
      if (runs == 3) return;
      state.set_generation(runs);  // drift was mended
      state.set_before(3);
    };
    const auto end = it.roll_back();
    CHECK(end.hosts[0].second == HostPhase::Done);
    CHECK(end.exit_code == 0);
    CHECK(it.agents.told[0] == once);
    CHECK(it.to == std::vector<std::uint64_t>{2});
  }
}

TEST_CASE("a host that went back from it already is left as it is") {
  TakenBack it(2);
  const auto end = it.roll_back();
  CHECK(end.hosts[0].second == HostPhase::Unchanged);
  CHECK(end.hosts[0].first->problem.empty());
  CHECK(end.hosts[0].first->trouble == Trouble::None);
  CHECK(end.exit_code == 0);
  CHECK(it.agents.told[0] == nothing);
}

TEST_CASE("a host that got something else since then is left as it is, and says so") {
  TakenBack it(4);
  const auto end = it.roll_back();
  CHECK(end.hosts[0].second == HostPhase::Refused);
  CHECK(end.hosts[0].first->problem ==
        "it runs generation 4 by now, with something else than that rollout brought");
  CHECK(end.exit_code == 5);
  CHECK(it.agents.told[0] == nothing);
}

TEST_CASE("a host that somebody else is at is left to them") {
  TakenBack it(3);
  it.agents.greets = [](std::size_t, wire::HostState& state) {
    state = committed(3).host();
    state.set_state("trial");
    state.mutable_open()->set_id("rollout-2/edge-1");
    state.mutable_open()->set_holder("eve");
    state.mutable_open()->set_step("trial");
  };
  const auto end = it.roll_back();
  CHECK(end.hosts[0].second == HostPhase::Refused);
  CHECK(end.hosts[0].first->problem ==
        "transaction 'rollout-2/edge-1' of eve holds this host (step trial)");
  CHECK(end.exit_code == 75);
  CHECK(it.agents.told[0] == nothing);
}

TEST_CASE("a stranded host goes back, too, and is called stranded where it must not") {
  for (const std::uint64_t runs : {3U, 5U}) {
    TakenBack it(runs);
    it.agents.greets = [runs](std::size_t, wire::HostState& state) {
      state = committed(runs).host();
      state.set_state("stranded");
      state.set_advice("its way back failed; see kongfleet-agent status");
      state.mutable_open()->set_id("rollout-2/edge-1");
    };
    const auto end = it.roll_back();
    CHECK(end.hosts[0].second == (runs == 3 ? HostPhase::Done : HostPhase::Stranded));
    CHECK(end.exit_code == (runs == 3 ? 0 : 4));
    if (runs != 3)
      CHECK(end.hosts[0].first->problem == "its way back failed; see kongfleet-agent status");
    CHECK(it.agents.told[0] == (runs == 3 ? once : nothing));
  }
}

TEST_CASE("a host whose answer was lost is asked what came of it, once it runs something else") {
  TakenBack it(3);
  bool back = false;
  it.agents.greets = [&back](std::size_t, wire::HostState& state) {
    state = committed(back ? 2 : 3).host();
  };
  it.agents.says = [&back](std::size_t, wire::ToController& answer) {
    if (!std::exchange(back, true)) throw LinkError(LinkFault::Lost, "the link was torn");
    answer.mutable_outcome()->set_result(wire::Outcome::COMMITTED);
  };
  const auto end = it.roll_back();
  CHECK(end.hosts[0].second == HostPhase::Done);
  CHECK(it.agents.told[0] == std::vector<std::string>{"rollback", "renew"});
}

TEST_CASE(
    "a host that never heard of it, and that somebody else changed since, is not told again") {
  TakenBack it(3);
  bool changed = false;
  it.agents.greets = [&changed](std::size_t, wire::HostState& state) {
    state = committed(changed ? 1 : 3).host();
  };
  it.agents.refuses = [&changed](std::size_t, const wire::ToAgent&) -> std::string {
    if (!std::exchange(changed, true)) throw LinkError(LinkFault::Lost, "the link was torn");
    return "unknown";
  };
  const auto end = it.roll_back();
  CHECK(end.hosts[0].second == HostPhase::Refused);
  CHECK(it.agents.told[0] == std::vector<std::string>{"rollback", "renew"});
}

}  // namespace kongfleet::controller
