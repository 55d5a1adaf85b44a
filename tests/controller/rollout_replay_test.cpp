// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_replay.hpp"

#include "controller/status_watch.hpp"

#include <catch2/catch.hpp>

#include "run_fixture.hpp"
#include "state_fixture.hpp"
#include <algorithm>

namespace kongfleet::controller::test {

namespace {

using Rows = std::vector<std::string>;

constexpr std::int64_t begin_ms = 1'000'000'000'000;

/// Four hosts, the first of them a canary that baked for a minute; the second is at work, the third
/// went back.
RolloutReplay second_wave() {
  RolloutReplay replay{
      .rollout = begun("rollout-1", 4), .events = {}, .running = "rollout-1", .rules = {}};
  replay.rules = RolloutRules{.wave_ends = {1, 4},
                              .bake = std::chrono::seconds(60),
                              .max_unavailable = 2,
                              .max_failures = 1};
  replay.rollout.started_ms = begin_ms;
  replay.rollout.hosts[2].cause = "handler.lua:7: boom\x1b[2J";
  const auto event = [&](int second, const char* kind, const char* host, const char* text) {
    replay.events.push_back({begin_ms + second * 1000, kind, host, text});
  };
  event(0, "begin", "", "edge");
  event(0, "wave", "", "1/2: 1 hosts");
  event(0, "host", "host-1", "changing");
  event(0, "step", "host-1", "reload");
  event(10, "host", "host-1", "trial");
  event(10, "baking", "", "1/2: 1m");
  event(70, "host", "host-1", "done");
  event(70, "wave", "", "2/2: 3 hosts");
  event(70, "host", "host-2", "changing");
  event(70, "host", "host-3", "changing");
  event(75, "step", "host-2", "probe: waits for the first answer");
  event(80, "host", "host-3", "back");
  return replay;
}

}  // namespace

TEST_CASE("who watches from elsewhere sees what the controller shows") {
  const auto replay = second_wave();
  CHECK(replay.rows({.width = 60, .height = 24}, begin_ms + 90'000) ==
        Rows{"rollout of ops@deploy-1: running", "rollout-1  1:30  about 1:10 left",
             "[#############>>>>>>>>>>>>>!!!!!!!!!!!!!..............] 1/4",
             "1 done   1 changing   1 failed of 1 allowed   1 waiting", "wave 2 of 2, 3 hosts",
             "  host-1  done        ",
             "  host-2  changing    0:20  probe: waits for the first answ~",
             "  host-3  back        handler.lua:7: boom\\x1b[2J", "  host-4  waiting     "});
}

TEST_CASE("a bake that is watched from elsewhere says how long it takes still") {
  auto replay = second_wave();
  replay.events.resize(6);
  const auto rows = replay.rows({.width = 80, .height = 24}, begin_ms + 30'000);
  CHECK(rows[4] == "wave 1 of 2, 1 host (canary), bakes for 0:40 more");
}

TEST_CASE("a rollout whose controller is gone says what can be done with it") {
  auto replay = second_wave();
  replay.running = "";
  auto rows = replay.rows({.width = 80, .height = 24}, begin_ms + 90'000);
  rows.resize(7);
  CHECK(rows ==
        Rows{"rollout of ops@deploy-1: unfinished", "'kongfleet resume rollout-1' goes on with it",
             "'kongfleet abort rollout-1' takes it back", "rollout-1  1:20",
             "[##################>>>>>>>>>>>>>>>>>>!!!!!!!!!!!!!!!!!!...................] 1/4",
             "1 done   1 changing   1 failed of 1 allowed   1 waiting",
             "stops: its controller is gone"});
  replay.rollout.state = RolloutState::Paused;
  replay.events.push_back({begin_ms + 85'000, "stopping", "", "1 failed, allowed are 0"});
  rows = replay.rows({.width = 80, .height = 24}, begin_ms + 90'000);
  CHECK(rows[0] == "rollout of ops@deploy-1: paused");
  CHECK(rows[6] == "stops: 1 failed, allowed are 0");
}

TEST_CASE("hosts that were set aside before the rollout began are what they were found to be") {
  auto replay = second_wave();
  replay.rollout.hosts[3].phase = HostPhase::Unreachable;
  const auto rows = replay.rows({.width = 80, .height = 24}, begin_ms + 90'000);
  CHECK(rows[3] == "1 done   1 changing   2 failed of 1 allowed");
  CHECK(rows[8] == "  host-4  unreachable ");
}

TEST_CASE("the time left is that of the hosts' last beginning, not of the pause between") {
  auto replay = second_wave();
  replay.events.resize(4);
  replay.events.push_back({begin_ms + 5'000, "host", "host-1", "waiting"});
  replay.events.push_back({begin_ms + 9'000'000, "resume", "", ""});
  replay.events.push_back({begin_ms + 9'000'000, "host", "host-1", "changing"});
  replay.events.push_back({begin_ms + 9'000'000, "step", "host-1", "reload"});
  replay.events.push_back({begin_ms + 9'010'000, "host", "host-1", "trial"});
  const auto rows = replay.rows({.width = 80, .height = 24}, begin_ms + 9'010'000);
  CHECK(rows[1] == "rollout-1  2:30:10  about 2:20 left");
}

TEST_CASE("a rollout that stops, is gone on with, and is over") {
  auto replay = second_wave();
  const auto rows = [&] { return replay.rows({.width = 80, .height = 24}, begin_ms + 500'000); };
  replay.events.push_back({begin_ms + 85'000, "stopping", "", "interrupted"});
  CHECK(rows()[4] == "stops: interrupted");
  replay.events.push_back({begin_ms + 95'000, "resume", "", ""});
  CHECK(rows()[4] == "wave 2 of 2, 3 hosts");
  replay.running = "";
  replay.rollout.state = RolloutState::Ended;
  replay.rollout.exit_code = 3;
  replay.rollout.ended_ms = begin_ms + 100'000;
  CHECK(rows()[0] == "rollout of ops@deploy-1: failed, taken back");
  CHECK(rows()[1] == "rollout-1  1:40");  // and no longer counts
}

TEST_CASE("a rollback, which has no waves, is watched from elsewhere as well") {
  RolloutReplay replay{
      .rollout = begun("rollback-1", 2), .events = {}, .running = "rollback-1", .rules = {}};
  replay.rollout.kind = "rollback";
  replay.rollout.started_ms = begin_ms;
  replay.events = {{begin_ms, "host", "host-2", "reverting"}};
  auto rows = replay.rows({.width = 80, .height = 24}, begin_ms + 3000);
  CHECK(rows[0] == "rollback of ops@deploy-1: running");
  CHECK(rows.back() == "  host-2  reverting   0:03  ");
  replay.running = "";  // it died, and is over for others all the same
  replay.rollout.state = RolloutState::Ended;
  replay.rollout.exit_code = 130;
  replay.events.push_back({begin_ms + 2000, "step", "host-2", "reload"});
  rows = replay.rows({.width = 80, .height = 24}, begin_ms + 9000);
  CHECK(rows[0] == "rollback of ops@deploy-1: unfinished");
  CHECK(rows[1] == "rollback-1  0:02");
  CHECK(rows.back() == "  host-2  reverting   0:02  reload");
}

TEST_CASE("what happened since the last look is a line each, with its time") {
  const auto lines = second_wave().lines(10);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].ends_with("  host-2  probe: waits for the first answer"));
  CHECK(lines[1].ends_with("  host-3  back: handler.lua:7: boom\\x1b[2J"));
  CHECK(second_wave().lines(7)[0].ends_with("  rollout-1  wave 2/2: 3 hosts"));
  CHECK(second_wave().lines(12).empty());
}

TEST_CASE("a watched status is never larger than its window, and has the hosts below the rollout") {
  RunFixture run(40);
  RolloutLook look{.rollout = second_wave(), .unknown = ""};
  for (std::size_t width = 1; width <= 90; width += 7) {
    for (std::size_t height = 1; height <= 60; ++height) {
      const auto rows =
          watched_rows(look, run.hosts(), {.width = width, .height = height}, begin_ms);
      CHECK(rows.size() < std::max<std::size_t>(height, 1));
      for (const auto& row : rows) CHECK(row.size() <= width);
    }
  }
  const auto rows = watched_rows(look, run.hosts(), {.width = 80, .height = 24}, begin_ms);
  CHECK(rows[1].starts_with("rollout-1"));
  CHECK(rows[9].empty());
  CHECK(rows[10].starts_with("40 hosts"));
  CHECK(rows.size() == 23);
}

TEST_CASE("a memory that is out of reach hides no host") {
  RunFixture run(2);
  const RolloutLook look{.rollout = {}, .unknown = "state 'edge.db': disk I/O error"};
  const auto rows = watched_rows(look, run.hosts(), {.width = 80, .height = 24}, begin_ms);
  CHECK(rows[0] == "rollouts are not known: state 'edge.db': disk I/O error");
  CHECK(rows[1].starts_with("2 hosts"));
}

}  // namespace kongfleet::controller::test
