// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// Hosts in trial that do not answer any more.
#include "controller/rollout.hpp"

#include <catch2/catch.hpp>

#include "rollout_fixture.hpp"

using namespace kongfleet::controller;
using namespace std::chrono_literals;
using Time = Rollout::Time;
using Kind = RolloutAction::Kind;

TEST_CASE("a host that does not answer once its wave has baked holds up the confirmation of all") {
  Rollout rollout(rules({2}));
  const Time now{};
  rollout.next(now);
  for (const std::size_t host : {0U, 1U}) rollout.report(host, HostPhase::Trial, now);
  rollout.next(now);
  const auto looks = rollout.next(now + 10s);
  CHECK(hosts_of(looks, Kind::Look) == Hosts{0, 1});
  CHECK(looks.size() == 2);
  CHECK_FALSE(rollout.wake());
  rollout.heard(0, true);
  rollout.heard(1, false);  // to what it was asked before
  CHECK(rollout.next(now + 11s).empty());
  SECTION("it answers") {
    rollout.heard(1, true);
    CHECK(hosts_of(rollout.next(now + 12s), Kind::Confirm) == Hosts{0, 1});
  }
  SECTION("it is lost: nobody is confirmed") {
    rollout.report(1, HostPhase::Lost, now + 12s);
    CHECK(rollout.stopping());
    const auto actions = rollout.next(now + 12s);
    CHECK(hosts_of(actions, Kind::Confirm).empty());
    CHECK(hosts_of(actions, Kind::Revert) == Hosts{0});
  }
}

TEST_CASE("without a bake nobody is looked at, but one that is silent already is waited for") {
  auto made = rules({2});
  made.bake = 0s;
  Rollout rollout(made);
  rollout.next({});
  rollout.report(0, HostPhase::Trial, {});
  rollout.silent(0);
  rollout.report(1, HostPhase::Trial, {});
  CHECK(rollout.next({}).empty());
  rollout.heard(0, false);
  CHECK(hosts_of(rollout.next({}), Kind::Confirm) == Hosts{0, 1});
}

TEST_CASE("a host in trial that is silent has a slot until it is heard or lost") {
  Rollout rollout(rules({3}, 1));
  rollout.next({});
  rollout.report(0, HostPhase::Trial, {});
  rollout.silent(0);
  CHECK(rollout.next({}).empty());
  CHECK_FALSE(rollout.stopping());  // it may answer yet
  rollout.heard(0, false);
  CHECK(hosts_of(rollout.next({}), Kind::Start) == Hosts{1});
  CHECK(rollout.may_start());
  rollout.silent(0);
  CHECK_FALSE(rollout.may_start());
}

TEST_CASE("a host that is silent holds up nothing that goes back") {
  Rollout rollout(rules({2}, 1));
  rollout.next({});
  rollout.report(0, HostPhase::Trial, {});
  rollout.next({});
  rollout.report(1, HostPhase::Trial, {});
  rollout.silent(0);
  rollout.interrupt();
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{0});
}
