// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout.hpp"

#include <catch2/catch.hpp>

#include "rollout_fixture.hpp"

using namespace kongfleet::controller;
using namespace std::chrono_literals;
using Time = Rollout::Time;
using Kind = RolloutAction::Kind;

TEST_CASE("an objection from outside stops it: what was done goes back, nothing new starts") {
  Rollout rollout(rules({1, 3}, 1));
  const Time now{};
  rollout.next(now);
  rollout.report(0, HostPhase::Trial, now);
  rollout.next(now);
  once_heard(rollout, now + 10s);
  rollout.report(0, HostPhase::Done, now + 10s);
  CHECK(hosts_of(rollout.next(now + 10s), Kind::Start) == Hosts{1});
  rollout.halt("the balancer says no");
  rollout.report(1, HostPhase::Waiting, now + 10s);
  CHECK(rollout.why() == "the balancer says no");
  CHECK(hosts_of(rollout.next(now + 11s), Kind::Revert) == Hosts{0});
  rollout.report(0, HostPhase::Back, now + 11s);
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 3);
}

TEST_CASE("an objection before anything was touched is a refusal; with pause it is a pause") {
  Rollout refused(rules({2}));
  refused.next({});
  refused.halt("no");
  for (const std::size_t host : {0U, 1U}) refused.report(host, HostPhase::Waiting, {});
  CHECK(refused.over());
  CHECK(refused.exit_code() == 5);
  auto pausing = rules({2});
  pausing.when_failed = WhenFailed::Pause;
  Rollout paused(pausing);
  paused.next({});
  paused.halt("no");
  for (const std::size_t host : {0U, 1U}) paused.report(host, HostPhase::Waiting, {});
  CHECK(paused.exit_code() == 6);
}

TEST_CASE("the canary goes alone, bakes, is confirmed, and only then the next wave starts") {
  Rollout rollout(rules({1, 3}));
  const Time start{};
  CHECK(hosts_of(rollout.next(start), Kind::Start) == Hosts{0});
  rollout.report(0, HostPhase::Trial, start);
  CHECK(rollout.next(start).empty());
  CHECK(rollout.baking());
  CHECK(rollout.wake() == start + 10s);
  CHECK(rollout.next(start + 9s).empty());
  CHECK(hosts_of(once_heard(rollout, start + 10s), Kind::Confirm) == Hosts{0});
  CHECK(rollout.next(start + 11s).empty());
  rollout.report(0, HostPhase::Done, start + 11s);
  CHECK(hosts_of(rollout.next(start + 11s), Kind::Start) == Hosts{1, 2});
  rollout.report(1, HostPhase::Trial, start);
  rollout.report(2, HostPhase::Unchanged, start);
  CHECK(rollout.next(start + 12s).empty());
  CHECK(hosts_of(once_heard(rollout, start + 22s), Kind::Confirm) == Hosts{1});
  rollout.report(1, HostPhase::Done, start);
  CHECK(rollout.next(start + 23s).empty());
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 0);
}

TEST_CASE("inside a wave a host starts as soon as another one is proven") {
  Rollout rollout(rules({4}, 2));
  const Time now{};
  CHECK(hosts_of(rollout.next(now), Kind::Start) == Hosts{0, 1});
  CHECK(rollout.next(now).empty());
  rollout.report(1, HostPhase::Trial, now);
  CHECK(hosts_of(rollout.next(now), Kind::Start) == Hosts{2});
}

TEST_CASE("a failure stops the rollout, takes back what is in trial and what was confirmed") {
  Rollout rollout(rules({1, 3}));
  const Time now{};
  rollout.next(now);
  rollout.report(0, HostPhase::Trial, now);
  rollout.next(now);
  once_heard(rollout, now + 10s);
  rollout.report(0, HostPhase::Done, now);
  rollout.next(now + 10s);
  rollout.report(1, HostPhase::Trial, now);
  rollout.report(2, HostPhase::Back, now);
  CHECK(rollout.stopping());
  CHECK(hosts_of(rollout.next(now + 10s), Kind::Revert) ==
        Hosts{1, 0});  // what hangs in the air first
  rollout.report(0, HostPhase::Back, now);
  CHECK_FALSE(rollout.over());
  rollout.report(1, HostPhase::Back, now);
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 3);
}

TEST_CASE("what is in trial is taken back within the budget too") {
  Rollout rollout(rules({4}, 2));
  rollout.next({});
  for (const std::size_t host : {0U, 1U}) rollout.report(host, HostPhase::Trial, {});
  rollout.next({});
  rollout.report(2, HostPhase::Trial, {});
  rollout.report(3, HostPhase::Back, {});
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{0, 1});
  CHECK(rollout.next({}).empty());
  CHECK(rollout.phase(2) == HostPhase::Trial);  // so that its lease is renewed
  CHECK_FALSE(rollout.over());
  rollout.report(1, HostPhase::Back, {});
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{2});
  for (const std::size_t host : {0U, 2U}) rollout.report(host, HostPhase::Back, {});
  CHECK(rollout.over());
}

TEST_CASE("what was confirmed is taken back within the budget") {
  Rollout rollout(rules({3, 4}, 1));
  for (const std::size_t host : {0U, 1U, 2U}) {
    rollout.next({});
    rollout.report(host, HostPhase::Trial, {});
  }
  rollout.next({});
  rollout.next(Time{} + 10s);
  for (const std::size_t host : {0U, 1U, 2U}) rollout.report(host, HostPhase::Done, {});
  CHECK(hosts_of(rollout.next({}), Kind::Start) == Hosts{3});
  rollout.report(3, HostPhase::Back, {});
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{0});
  CHECK(rollout.next({}).empty());
  rollout.report(0, HostPhase::Lost, {});  // in trouble: the others must not wait for it for ever
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{1});
  rollout.report(1, HostPhase::Kept, {});
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{2});
  rollout.report(2, HostPhase::Back, {});
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 4);
}

TEST_CASE("a wave in which every host failed proves nothing, whatever number may fail") {
  auto allowing = rules({1, 4});
  allowing.max_failures = 3;
  Rollout rollout(allowing);
  rollout.next({});
  rollout.report(0, HostPhase::Back, {});
  CHECK(rollout.stopping());
  CHECK(rollout.why() == "no host of the wave proved the release");
  CHECK(rollout.next({}).empty());
}

TEST_CASE("a budget that is used up stops nothing when there is nothing left to start") {
  auto allowing = rules({2}, 1);
  allowing.max_failures = 1;
  Rollout rollout(allowing);
  rollout.next({});
  rollout.report(0, HostPhase::Trial, {});
  rollout.next({});
  rollout.report(1, HostPhase::Unreachable, {});
  CHECK_FALSE(rollout.stopping());
}

TEST_CASE("a host that was stopped just before it began was never touched") {
  Rollout rollout(rules({2}));
  rollout.next({});
  rollout.report(0, HostPhase::Back, {});
  rollout.report(1, HostPhase::Waiting, {});
  CHECK(rollout.phase(1) == HostPhase::Waiting);
  CHECK(rollout.next({}).empty());
  CHECK(rollout.over());
}

TEST_CASE("a refusal on the canary touches nothing and says so with its exit code") {
  Rollout rollout(rules({1, 3}));
  rollout.next({});
  rollout.report(0, HostPhase::Refused, {});
  CHECK(rollout.next({}).empty());
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 5);
  CHECK(rollout.phase(1) == HostPhase::Waiting);
}

TEST_CASE("failures within the allowed number do not stop it") {
  auto allowing = rules({3});
  allowing.max_failures = 1;
  Rollout rollout(allowing);
  rollout.next({});
  rollout.report(0, HostPhase::Back, {});
  rollout.report(1, HostPhase::Trial, {});
  rollout.report(2, HostPhase::Trial, {});
  CHECK_FALSE(rollout.stopping());
  rollout.next({});
  CHECK(hosts_of(once_heard(rollout, Time{} + 10s), Kind::Confirm) == Hosts{1, 2});
}

TEST_CASE("in whatever way a host fails it counts, and with 0 the first one stops the rollout") {
  using enum HostPhase;
  for (const auto phase : {Refused, Unreachable, Lost, Stranded, Back, Kept}) {
    Rollout rollout(rules({1, 4}));
    rollout.next({});
    rollout.report(0, Unchanged, {});
    rollout.next({});
    rollout.report(2, phase, {});
    INFO(phase_name(phase));
    CHECK(rollout.why() == "1 failed, allowed are 0");
    CHECK(rollout.stop() == RolloutStop::Failed);
  }
}

TEST_CASE("failures are counted over all waves, and what is taken back is none") {
  auto allowing = rules({2, 5});
  allowing.max_failures = 1;
  Rollout rollout(allowing);
  rollout.next({});
  rollout.report(0, HostPhase::Unreachable, {});
  rollout.report(1, HostPhase::Trial, {});
  rollout.next({});
  rollout.next(Time{} + 10s);
  rollout.report(1, HostPhase::Done, {});
  CHECK(hosts_of(rollout.next(Time{} + 10s), Kind::Start) == Hosts{2, 3, 4});
  rollout.report(2, HostPhase::Trial, {});
  CHECK_FALSE(rollout.stopping());
  rollout.report(3, HostPhase::Back, {});
  CHECK(rollout.why() == "2 failed, allowed are 1");
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{2, 1});
  rollout.report(2, HostPhase::Back, {});
  rollout.report(1, HostPhase::Back, {});
  CHECK(rollout.failures() == 2);
}

TEST_CASE("hosts in trouble use up the budget: nothing new starts, and it does not wait for ever") {
  auto allowing = rules({4}, 1);
  allowing.max_failures = 10;
  Rollout rollout(allowing);
  CHECK(hosts_of(rollout.next({}), Kind::Start) == Hosts{0});
  rollout.report(0, HostPhase::Unreachable, {});
  CHECK(rollout.stopping());
  CHECK(rollout.next({}).empty());
  CHECK(rollout.over());
}

TEST_CASE("a pause keeps what was confirmed and takes back what was not") {
  auto pausing = rules({1, 3});
  pausing.when_failed = WhenFailed::Pause;
  Rollout rollout(pausing);
  rollout.next({});
  rollout.report(0, HostPhase::Trial, {});
  rollout.next({});
  rollout.next(Time{} + 10s);
  rollout.report(0, HostPhase::Done, {});
  rollout.next(Time{} + 10s);
  rollout.report(1, HostPhase::Trial, {});
  rollout.report(2, HostPhase::Stranded, {});
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{1});
  rollout.report(1, HostPhase::Back, {});
  CHECK(rollout.over());
  CHECK(rollout.phase(0) == HostPhase::Done);
  CHECK(rollout.exit_code() == 4);
}

TEST_CASE("an interruption starts nothing new and takes back what is in trial") {
  Rollout rollout(rules({2, 4}));
  rollout.next({});
  rollout.report(0, HostPhase::Trial, {});
  rollout.interrupt();
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{0});
  rollout.report(1, HostPhase::Trial, {});  // its deploy was under way
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{1});
  rollout.report(0, HostPhase::Back, {});
  rollout.report(1, HostPhase::Back, {});
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 130);
}

TEST_CASE("a host that is held keeps its slot, whatever is reported of it") {
  Rollout rollout(rules({1, 4}, 1));
  const Time now{};
  CHECK(hosts_of(rollout.next(now), Kind::Start) == Hosts{0});
  rollout.hold(0);
  rollout.report(0, HostPhase::Trial, now);
  CHECK(rollout.next(now).empty());
  CHECK_FALSE(rollout.baking());
  rollout.release(0);
  CHECK(rollout.next(now).empty());
  CHECK(rollout.baking());
  CHECK(hosts_of(once_heard(rollout, now + 10s), Kind::Confirm) == Hosts{0});
  rollout.report(0, HostPhase::Done, now);
  CHECK(hosts_of(rollout.next(now), Kind::Start) == Hosts{1});
  rollout.hold(1);
  rollout.report(1, HostPhase::Unchanged, now);
  CHECK(rollout.next(now).empty());
  rollout.release(1);
  CHECK(hosts_of(rollout.next(now), Kind::Start) == Hosts{2});
}

TEST_CASE("what is reported of a held host counts at once, and it is over with its release") {
  Rollout rollout(rules({2}, 2));
  rollout.next({});
  rollout.hold(0);
  rollout.hold(1);
  rollout.report(0, HostPhase::Back, {});
  CHECK(rollout.stopping());
  rollout.report(1, HostPhase::Waiting, {});
  CHECK(rollout.next({}).empty());
  CHECK_FALSE(rollout.over());
  rollout.release(0);
  rollout.release(1);
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 3);
}

TEST_CASE("the last that was held may have used up the budget") {
  auto lenient = rules({3}, 1);
  lenient.max_failures = 3;
  Rollout rollout(lenient);
  rollout.next({});
  rollout.hold(0);
  rollout.report(0, HostPhase::Stranded, {});
  CHECK_FALSE(rollout.stopping());
  rollout.release(0);
  CHECK(rollout.why() == "the budget of 1 unavailable hosts is used up");
}

TEST_CASE("a host that was handed out may not start once others are lost") {
  auto lenient = rules({3}, 2);
  lenient.max_failures = 3;
  Rollout rollout(lenient);
  CHECK(hosts_of(rollout.next({}), Kind::Start) == Hosts{0, 1});
  rollout.report(0, HostPhase::Trial, {});
  CHECK(hosts_of(rollout.next({}), Kind::Start) == Hosts{2});
  CHECK(rollout.may_start());
  rollout.report(0, HostPhase::Lost, {});
  CHECK_FALSE(rollout.may_start());
}

TEST_CASE("taken up after its controller's death, a failed rollout does not end well") {
  Rollout rollout(rules({3}), {.hosts = {HostPhase::Trial, HostPhase::Back, HostPhase::Waiting},
                               .stop = RolloutStop::Failed,
                               .why = "1 failed, allowed are 0"});
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{0});
  rollout.report(0, HostPhase::Back, {});
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 3);
}
