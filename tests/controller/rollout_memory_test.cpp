// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_memory.hpp"

#include "controller/declined.hpp"
#include "controller/fleet_hold.hpp"
#include "controller/ousted.hpp"

#include <catch2/catch.hpp>
#include <soci/soci.h>

#include "state_fixture.hpp"

namespace kongfleet::controller {

namespace {

template <class Work>
int exit_code_of(Work work) {
  try {
    work();
  } catch (const Declined& declined) {
    return declined.exit_code();
  }
  return 0;
}

}  // namespace

TEST_CASE("a rollout is remembered with all that is known of it") {
  const StateFixture state;
  auto rollout = begun("rollout-1", 2);
  {
    auto memory = state.open();
    memory.rollouts.begin(rollout, {plugin_release("1.0.0")});
    auto& host = rollout.hosts[1];
    host.wave = 7;  // where a host stands is fixed when its rollout begins
    host.attempt = 2;
    host.phase = HostPhase::Back;
    host.started_ms = 1'000'000'000'000;
    host.ended_ms = 1'000'000'004'000;
    host.cause = "status 500";
    host.outcome = strange_outcome();
    rollout.stop = RolloutStop::Failed;
    rollout.why = "1 failed, allowed are 0";
    memory.rollouts.write(rollout, {{{1, host}}, {{5, "host", "host-2", "back"}}});
  }
  auto memory = state.open();
  const auto found = memory.rollouts.find("rollout-1");
  CHECK(found.selection == "edge !host-9");
  CHECK(found.stop == RolloutStop::Failed);
  CHECK(found.why == "1 failed, allowed are 0");
  REQUIRE(found.hosts.size() == 2);
  CHECK(found.hosts[0].phase == HostPhase::Waiting);
  CHECK_FALSE(found.hosts[0].outcome);
  const auto& host = found.hosts[1];
  CHECK(host.wave == 0);
  CHECK(host.attempt == 2);
  CHECK(host.phase == HostPhase::Back);
  CHECK(host.ended_ms - host.started_ms == 4000);
  REQUIRE(host.outcome);
  CHECK(host.outcome->SerializeAsString() == strange_outcome().SerializeAsString());
  REQUIRE(found.releases.size() == 1);
  CHECK(found.releases[0].digest == plugin_release("1.0.0").manifest.digest().hex());
  CHECK(memory.rollouts.events("rollout-1").back().text == "back");
  CHECK(found.hosts_failed == 1);
  CHECK(found.hosts_all == 2);
}

TEST_CASE("another rollout is refused, by name, until the one before is over") {
  const StateFixture state;
  auto memory = state.open();
  auto first = begun("rollout-1", 1);
  memory.rollouts.begin(first, {});
  const auto second = [&] { memory.rollouts.begin(begun("rollout-2", 1), {}); };
  for (const auto kind : {RolloutState::Open, RolloutState::Paused, RolloutState::Interrupted}) {
    first.state = kind;
    memory.rollouts.write(first, {});
    CHECK(exit_code_of(second) == 75);
    const auto message = message_of(second);
    CHECK(message.starts_with("rollout-1 of ops@deploy-1"));
    CHECK(message.find("kongfleet resume rollout-1") != std::string::npos);
    CHECK(message.find("kongfleet abort rollout-1") != std::string::npos);
    CHECK(memory.rollouts.open()->id == "rollout-1");
  }
  first.state = RolloutState::Ended;
  memory.rollouts.end(first, {});
  CHECK_FALSE(memory.rollouts.open());
  second();
  CHECK(memory.rollouts.open()->id == "rollout-2");
}

TEST_CASE("what somebody else has ended stays ended") {
  const StateFixture state;
  auto memory = state.open();
  auto mine = begun("rollout-1", 1);
  memory.rollouts.begin(mine, {});
  auto theirs = mine;
  theirs.state = RolloutState::Aborted;
  memory.rollouts.end(theirs, {});
  mine.state = RolloutState::Ended;
  memory.rollouts.end(mine, {});
  CHECK(memory.rollouts.find("rollout-1").state == RolloutState::Aborted);
}

TEST_CASE("a controller that was ousted before it began begins nothing") {
  const StateFixture state;
  auto memory = state.open();
  auto elsewhere = this_holder("eve@box", "rollout rollout-1");
  elsewhere.machine = "another machine";
  const FleetHold hold(memory.database, "edge", elsewhere, FleetHold::Manner::Polite);
  const FleetHold breaker(memory.database, "edge", this_holder("ops@box", "rollback"),
                          FleetHold::Manner::BreakGlass);
  const auto begin = [&] { memory.rollouts.begin(begun("rollout-1", 1), {}, true, &hold); };
  CHECK_THROWS_WITH(begin(), "taken over by ops@box: rollback");
  CHECK_FALSE(memory.rollouts.open());
}

TEST_CASE("a controller that was ousted writes nothing more into what it did") {
  const StateFixture state;
  auto memory = state.open();
  auto mine = begun("rollout-1", 1);
  memory.rollouts.begin(mine, {});
  auto elsewhere = this_holder("eve@box", "rollout rollout-1");
  elsewhere.machine = "another machine";
  FleetHold hold(memory.database, "edge", elsewhere, FleetHold::Manner::Polite);
  mine.hosts[0].phase = HostPhase::Trial;
  memory.rollouts.write(mine, {{{0, mine.hosts[0]}}, {}}, &hold);
  CHECK_NOTHROW(memory.rollouts.check_ours(mine, hold));
  auto theirs = mine;
  mine.hosts[0].phase = HostPhase::Reverting;
  const RolloutNews late{{{0, mine.hosts[0]}}, {{5, "host", "host-1", "reverting"}}};
  SECTION("by one that holds the fleet still") {
    const FleetHold breaker(memory.database, "edge", this_holder("ops@box", "rollback"),
                            FleetHold::Manner::BreakGlass);
    CHECK_THROWS_WITH(memory.rollouts.write(mine, late, &hold), "taken over by ops@box: rollback");
    CHECK_THROWS_AS(memory.rollouts.end(mine, late, &hold), Ousted);
  }
  SECTION("by one that ended it and lost no word") {
    theirs.state = RolloutState::Aborted;
    memory.rollouts.end(theirs, {});
    CHECK_THROWS_WITH(memory.rollouts.write(mine, late, &hold),
                      "somebody else has ended this rollout");
  }
  CHECK_THROWS_AS(memory.rollouts.check_ours(mine, hold), Ousted);
  CHECK(memory.rollouts.find("rollout-1").hosts[0].phase == HostPhase::Trial);
  CHECK(memory.rollouts.events("rollout-1").back().text != "reverting");
}

TEST_CASE("names in a state that hold escapes are not believed, whoever wrote them") {
  const std::string evil = "x\x1b[2J", hidden = "x\xe2\x80\xae";
  const auto message_with = [&](const std::function<void(RememberedRollout&)>& spoil,
                                const RolloutNews& news = {}) {
    const StateFixture state;
    auto memory = state.open();
    auto rollout = begun("rollout-1", 1);
    spoil(rollout);
    memory.rollouts.begin(rollout, {});
    memory.rollouts.write(rollout, news);
    return message_of([&] {
      memory.rollouts.list(1);
      memory.rollouts.find(rollout.id);
      memory.rollouts.events(rollout.id);
    });
  };
  const std::string none = "(no error)";
  CHECK(message_with([](auto&) {}) == none);
  CHECK(message_with([&](auto& rollout) { rollout.id = evil; }) ==
        "the state has 'x\\x1b[2J' for a rollout, which kongfleet did not write");
  for (const auto& name : {evil, hidden}) {
    CHECK(message_with([&](auto& rollout) { rollout.kind = name; }) != none);
    CHECK(message_with([&](auto& rollout) { rollout.hosts[0].label = name; }) != none);
    CHECK(message_with([](auto&) {}, {{}, {{1, "step", name, "text"}}}) != none);
  }
  const StateFixture state;
  auto memory = state.open();
  auto rollout = begun("rollout-1", 1);
  memory.rollouts.begin(rollout, {plugin_release("1.0.0")});
  memory.database.together([&](soci::session& sql) {
    sql << "UPDATE rollout_releases SET version = :evil", soci::use(evil);
  });
  CHECK(message_of([&] { memory.rollouts.list(1); }) ==
        "the state has 'x\\x1b[2J' for a version, which kongfleet did not write");
}

TEST_CASE("an ID that is not known is refused with the newest ones") {
  const StateFixture state;
  auto memory = state.open();
  CHECK(message_of([&] { memory.rollouts.find("latest"); }) ==
        "there is no rollout 'latest' of this fleet; none is remembered yet");
  for (const auto* id : {"rollout-1", "rollout-2", "rollout-3", "rollout-4"}) {
    auto rollout = begun(id, 1);
    rollout.state = RolloutState::Ended;
    rollout.started_ms += id[8];
    memory.rollouts.begin(rollout, {});
  }
  CHECK(memory.rollouts.find("latest").id == "rollout-4");
  const auto wrong = [&] { memory.rollouts.find("rollout-9"); };
  CHECK(exit_code_of(wrong) == 1);
  CHECK(message_of(wrong) ==
        "there is no rollout 'rollout-9' of this fleet; the newest are rollout-4, rollout-3, "
        "rollout-2");
  const auto newest = memory.rollouts.list(2);
  REQUIRE(newest.size() == 2);
  CHECK(newest[0].id == "rollout-4");
  CHECK(newest[1].id == "rollout-3");
}

TEST_CASE("a version that was released can't come back with other content") {
  const StateFixture state;
  auto memory = state.open();
  const auto released = plugin_release("1.0.0"), changed = plugin_release("1.0.0", "changed");
  memory.releases.check({released});
  memory.releases.check({changed});  // nothing was released yet
  auto rollout = begun("rollout-1", 1);
  memory.rollouts.begin(rollout, {released});
  memory.releases.check({released, plugin_release("1.0.1", "changed")});
  const auto again = [&] { memory.releases.check({changed}); };
  CHECK(exit_code_of(again) == 5);
  const auto conflicts = memory.releases.conflicts({plugin_release("1.0.1"), changed});
  REQUIRE(conflicts.size() == 1);
  CHECK(conflicts[0].digest == changed.manifest.digest().hex());
  CHECK(conflicts[0].released_digest == released.manifest.digest().hex());
  CHECK(message_of(again) == text_of(conflicts[0]) + "; nothing was touched");
  for (const auto& part : {released.manifest.digest().hex(), changed.manifest.digest().hex(),
                           std::string("my-plugin@1.0.0 was released on "),
                           std::string("by rollout-1"), std::string("give it a new version")}) {
    CHECK(message_of(again).find(part) != std::string::npos);
  }
  rollout.state = RolloutState::Ended;
  memory.rollouts.end(rollout, {});
  const auto second = [&] { memory.rollouts.begin(begun("rollout-2", 1), {changed}); };
  CHECK(exit_code_of(second) == 5);
  CHECK(memory.rollouts.list(10).size() == 1);
}

TEST_CASE("a release's bytes are kept as long as its rollout may be gone on with") {
  const StateFixture state;
  auto memory = state.open();
  const auto release = plugin_release("1.0.0");
  auto rollout = begun("rollout-1", 1);
  memory.rollouts.begin(rollout, {release});
  rollout.state = RolloutState::Paused;
  memory.rollouts.end(rollout, {});
  const auto again = memory.releases.of_rollout("rollout-1");
  REQUIRE(again.size() == 1);
  CHECK(again[0].manifest.text() == release.manifest.text());
  CHECK(again[0].contents == release.contents);
  rollout.state = RolloutState::Ended;
  memory.rollouts.end(rollout, {});
  CHECK_THROWS(memory.releases.of_rollout("rollout-1"));
}

}  // namespace kongfleet::controller
