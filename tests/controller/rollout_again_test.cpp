// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout.hpp"
#include "controller/rollout_plan.hpp"
#include "proto/error.hpp"

#include <catch2/catch.hpp>

#include "rollout_fixture.hpp"

namespace kongfleet::controller {

using namespace std::chrono_literals;

namespace {

using P = HostPhase;
using Kind = RolloutAction::Kind;

RolloutRules rules() {
  RolloutRules made;
  made.wave_ends = {1, 3};
  made.bake = 10s;
  made.max_unavailable = 2;
  return made;
}

Rollout taken_up(std::vector<P> hosts, RolloutStop stop = RolloutStop::No,
                 std::size_t failures = 0) {
  RolloutSoFar so_far;
  so_far.hosts = std::move(hosts);
  so_far.stop = stop;
  so_far.failures = failures;
  return Rollout(rules(), so_far);
}

}  // namespace

TEST_CASE("a rollout goes on where its hosts are") {
  auto rollout = taken_up({P::Done, P::Waiting, P::Trial});
  CHECK(hosts_of(rollout.next({}), Kind::Start) == Hosts{1});
  CHECK(rollout.wave() == 1);
  rollout.report(1, P::Trial, {});
  CHECK(rollout.next({}).empty());
  CHECK(rollout.baking());
}

TEST_CASE("a wave in which every host failed before it is taken up stops it all the same") {
  auto made = rules();
  made.wave_ends = {1, 2, 4};
  made.max_failures = 1;
  Rollout rollout(made, {{P::Done, P::Back, P::Waiting, P::Waiting}, RolloutStop::No, "", 1});
  CHECK(hosts_of(rollout.next({}), Kind::Start).empty());
  CHECK(rollout.stopping());
  CHECK(rollout.why() == "no host of the wave proved the release");
}

TEST_CASE("a canary in trial bakes anew before the second wave starts") {
  auto rollout = taken_up({P::Trial, P::Waiting, P::Waiting});
  const Rollout::Time now{};
  CHECK(rollout.next(now).empty());
  CHECK(rollout.next(now + 9s).empty());
  CHECK(hosts_of(rollout.next(now + 10s), Kind::Look) == Hosts{0});
  rollout.heard(0, true);
  CHECK(hosts_of(rollout.next(now + 10s), Kind::Confirm) == Hosts{0});
}

TEST_CASE("one that was done is over at once") {
  auto rollout = taken_up({P::Done, P::Done, P::Unchanged});
  CHECK(rollout.next({}).empty());
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 0);
}

TEST_CASE("hosts that are found lost stop it as they would have then") {
  auto rollout = taken_up({P::Done, P::Lost, P::Waiting}, RolloutStop::No, 1);
  CHECK(rollout.stop() == RolloutStop::Failed);
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{0});
}

TEST_CASE("an abort takes back what is in trial and what was confirmed, and starts nothing") {
  auto rollout = taken_up({P::Done, P::Trial, P::Waiting}, RolloutStop::Aborted);
  CHECK(rollout.next({}).size() == 2);
  rollout.report(1, P::Back, {});
  CHECK_FALSE(rollout.over());
  rollout.report(0, P::Back, {});
  CHECK(rollout.next({}).empty());
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 0);
  CHECK(rollout.phase(2) == P::Waiting);
}

TEST_CASE("an abort that could not take all back needs a person") {
  auto rollout = taken_up({P::Done, P::Waiting, P::Waiting}, RolloutStop::Aborted);
  rollout.next({});
  rollout.report(0, P::Kept, {});
  CHECK(rollout.over());
  CHECK(rollout.exit_code() == 4);
}

TEST_CASE("a budget that a lost host uses up stops it once nothing moves any more") {
  auto made = rules();
  made.wave_ends = {3};
  made.max_unavailable = 1;
  made.max_failures = 2;
  Rollout rollout(made, {{P::Trial, P::Waiting, P::Waiting}, RolloutStop::No, "", 0});
  CHECK(hosts_of(rollout.next({}), Kind::Start) == Hosts{1});
  rollout.report(0, P::Lost, {});  // its lease could not be renewed
  CHECK_FALSE(rollout.stopping());
  rollout.report(1, P::Trial, {});
  CHECK(rollout.stopping());
  CHECK(hosts_of(rollout.next({}), Kind::Revert) == Hosts{1});
}

TEST_CASE("phases and stops have names that read back") {
  for (int i = 0; i <= static_cast<int>(P::Kept); ++i) {
    const auto phase = static_cast<P>(i);
    CHECK(phase_named(phase_name(phase)) == phase);
  }
  for (int i = 0; i <= static_cast<int>(RolloutStop::Aborted); ++i) {
    const auto stop = static_cast<RolloutStop>(i);
    CHECK(stop_named(stop_name(stop)) == stop);
  }
  CHECK_FALSE(phase_named("?"));
}

TEST_CASE("a rollout's plan reads back as it was") {
  RolloutPlan plan;
  plan.rules = rules();
  plan.rules.when_failed = WhenFailed::Pause;
  plan.rules.max_failures = 3;
  plan.deadline = 5min;
  plan.confirm_timeout = 10min;
  FleetHost host;
  host.name = "2001:db8::7";
  host.port = 2222;
  host.agent_command = "agent connect";
  host.groups = {"edge"};
  host.plugins = {"my-plugin"};
  host.probes = {"echo"};
  plan.hosts = {host, host};
  const HostReach reach{
      .address = "10.0.0.7", .port = 2200, .user = "deploy", .identity_files = {"k", "l"}};
  plan.hosts[1].reach = reach;
  ProbeSpec probe;
  probe.name = "echo";
  probe.url = "http://127.0.0.1:8000/";
  probe.header = {{"X-A", "^\"b\"$"}};
  probe.interval = 250ms;
  auto smoke = probe;
  smoke.name = "guide";
  smoke.type = ProbeType::Smoke;
  smoke.plugin = "my-plugin";
  smoke.config = R"({"a":1})";
  smoke.introduce = true;
  plan.probes = {probe, smoke};
  const auto text = text_of(plan);
  const auto again = read_plan(text);
  CHECK(text_of(again) == text);
  CHECK(again.rules.wave_ends == plan.rules.wave_ends);
  CHECK(again.rules.when_failed == WhenFailed::Pause);
  CHECK(again.rules.max_failures == 3);
  CHECK(again.deadline == 5min);
  CHECK(again.hosts[0].label() == host.label());
  CHECK(again.hosts[0].reach == HostReach());
  CHECK(again.hosts[1].reach == reach);
  CHECK(again.probes[0].header == probe.header);
  CHECK(again.probes[0].type == ProbeType::Http);
  CHECK(again.probes[1].type == ProbeType::Smoke);
  CHECK(again.probes[1].plugin == "my-plugin");
  CHECK(again.probes[1].config == smoke.config);
  CHECK(again.probes[1].introduce);
  CHECK_THROWS_AS(read_plan("{}"), Error);
}

}  // namespace kongfleet::controller
