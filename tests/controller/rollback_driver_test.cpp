// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollback_driver.hpp"

#include "controller/history_view.hpp"
#include "controller/recorded_run.hpp"
#include "controller/rollout_record.hpp"
#include "controller/text_view.hpp"

#include <catch2/catch.hpp>

#include "agents_fixture.hpp"
#include "state_fixture.hpp"
#include <csignal>
#include <sstream>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

Holder holder(const std::string& who) {
  return {who, "rollback", "machine of " + who, "1 2", wall_clock_ms(), wall_clock_ms()};
}

/// A rollback that is remembered, as the command's is.
struct Remembered {
  AgentsFixture agents;
  StateFixture state;
  FleetMemory memory = state.open();
  FleetHold hold{memory.database, "edge", holder("ops@one"), FleetHold::Manner::BreakGlass};
  std::unique_ptr<FleetHold> thief;
  KeepingView shown;
  explicit Remembered(std::size_t hosts) : agents(hosts) {
    agents.fleet().rollout.confirm_timeout = 3s;  // a beat a second
  }
  void take_over() {
    thief = std::make_unique<FleetHold>(memory.database, "edge", holder("eve@two"),
                                        FleetHold::Manner::BreakGlass);
  }
  RunEnd roll_back() {
    auto& run = agents.run("rollback");
    RolloutRecord record(begin_rollback(run, memory, ""), run.hosts(), memory.rollouts, hold,
                         shown);
    auto end = run.roll_back(3, record);
    record.end(end);
    return end;
  }
};

std::vector<HostPhase> phases(const RunEnd& end) {
  std::vector<HostPhase> phases;
  for (const auto& [host, phase] : end.hosts) phases.push_back(phase);
  return phases;
}

const std::vector<std::string> once = {"rollback"};

}  // namespace

TEST_CASE("a rollback whose fleet is taken over tells no other host, and leaves") {
  Remembered it(2);
  it.agents.away[1] = true;
  it.agents.answers = [&](std::size_t, const wire::ToAgent&) {
    it.take_over();
    it.agents.away[1] = false;  // its turn comes now
    return false;
  };
  const auto end = it.roll_back();
  CHECK(end.exit_code == 75);
  CHECK(end.taken_over == "taken over by eve@two: rollback");
  CHECK(it.shown.why_stopped == end.taken_over);
  const auto remembered = it.memory.rollouts.find("latest");
  CHECK(remembered.why == end.taken_over);
  CHECK(result_text(remembered, "") == "held");
  CHECK(it.agents.told[0] == once);
  CHECK(it.agents.told[1].empty());
  CHECK(phases(end) == std::vector{HostPhase::Reverting, HostPhase::Waiting});
}

TEST_CASE("what came of a rollback's hosts is remembered within a beat, whatever becomes of us") {
  Remembered it(2);
  it.agents.answers = [&](std::size_t host, const wire::ToAgent&) { return host == 0; };
  std::optional<RememberedRollout> found;
  Timer after_two_beats(it.agents.loop().io(), 2500ms);
  after_two_beats.async_wait([&](const boost::system::error_code&) {
    auto another = it.state.open();
    found = another.rollouts.find("latest");
    it.agents.loop().io().stop();
  });
  const auto end = it.roll_back();
  REQUIRE(found);
  CHECK(found->hosts[0].phase == HostPhase::Done);
  CHECK(found->hosts[1].phase == HostPhase::Reverting);
  CHECK(found->why == "it never came to its end");
  CHECK(result_text(*found, "") == "unfinished");
}

TEST_CASE("a rollback that waits for its hosts hears within a beat that it was taken over") {
  Remembered it(1);
  it.agents.answers = [&](std::size_t, const wire::ToAgent&) {
    it.take_over();
    return false;
  };
  const auto began = std::chrono::steady_clock::now();
  CHECK(it.roll_back().exit_code == 75);
  CHECK(std::chrono::steady_clock::now() - began < 30s);  // not the minutes its host may take
}

TEST_CASE("a rollback renews its hold while it waits") {
  Remembered it(1);
  const auto before = holder_of(it.memory.database, "edge")->renewed_ms;
  it.agents.answers = [](std::size_t, const wire::ToAgent&) { return false; };
  Timer after_a_beat(it.agents.loop().io(), 1500ms);
  after_a_beat.async_wait([&](const boost::system::error_code&) { it.agents.loop().io().stop(); });
  CHECK(it.roll_back().exit_code == 0);
  CHECK(holder_of(it.memory.database, "edge")->renewed_ms > before);
}

TEST_CASE("a rollback whose memory fails goes on without, and does not wait for it again soon") {
  AgentsFixture agents(2);
  agents.fleet().rollout.confirm_timeout = 3s;
  struct Broken : KeepingView {
    int asked = 0;
    void check() override {
      ++asked;
      throw Error("disk I/O error");
    }
    void beat() override { check(); }
  } view;
  agents.away[1] = true;
  agents.answers = [&](std::size_t, const wire::ToAgent&) { return true; };
  Timer timer(agents.loop().io(), 1500ms);
  timer.async_wait([&](const boost::system::error_code&) { agents.away[1] = false; });
  const auto end = agents.run("rollback").roll_back({}, view);
  CHECK(view.asked == 1);
  CHECK(end.exit_code == 0);
  CHECK(phases(end) == std::vector{HostPhase::Done, HostPhase::Done});
}

TEST_CASE("a trial that is confirmed before a rollback can end it goes back all the same") {
  AgentsFixture agents(1);
  bool confirmed = false;
  agents.greets = [&confirmed](std::size_t, wire::HostState& state) {
    state.set_state(confirmed ? "ready" : "trial");
    if (!confirmed) state.mutable_open()->set_id("rollout-9/edge-1");
  };
  agents.says = [&confirmed](std::size_t, wire::ToController& answer) {
    if (!std::exchange(confirmed, true))
      answer.mutable_outcome()->set_result(wire::Outcome::COMMITTED);
  };
  KeepingView view;
  const auto end = agents.run("rollback").roll_back({}, view);
  CHECK(agents.told[0] == std::vector<std::string>{"revert", "rollback"});
  CHECK(phases(end) == std::vector{HostPhase::Done});
  CHECK(end.hosts[0].first->outcome->transaction() == "rollback-1/edge-1/rollback");
}

TEST_CASE("after a Ctrl-C a rollback tells no other host, and waits for those it told") {
  Remembered it(3);
  it.agents.away[1] = it.agents.away[2] = true;
  it.agents.answers = [&](std::size_t, const wire::ToAgent&) {
    std::raise(SIGINT);
    return true;
  };
  const auto end = it.roll_back();
  CHECK(end.exit_code == 130);
  CHECK(end.state == RolloutState::Interrupted);
  CHECK_FALSE(end.abandoned);
  CHECK(phases(end) == std::vector{HostPhase::Done, HostPhase::Waiting, HostPhase::Waiting});
  std::ostringstream text;
  print_end(text, end);
  CHECK(text.str() ==
        "rollback-1: 2 hosts not told, 1 host done\n"
        "  edge-2: was not told to go back: it stays as it was\n"
        "  edge-3: was not told to go back: it stays as it was\n"
        "it was interrupted: ask for it again to take back the hosts that were not told\n");
}

TEST_CASE("after a Ctrl-C a host that can be reached again is not told to go back") {
  Remembered it(2);
  it.agents.away[1] = true;
  Timer timer(it.agents.loop().io());
  it.agents.answers = [&](std::size_t host, const wire::ToAgent&) {
    if (host == 0) std::raise(SIGTERM);
    timer.expires_after(100ms);
    timer.async_wait([&](const boost::system::error_code&) { it.agents.away[1] = false; });
    return false;
  };
  Timer again(it.agents.loop().io(), 1s);
  again.async_wait([](const boost::system::error_code&) { std::raise(SIGINT); });
  const auto end = it.roll_back();
  CHECK(it.agents.told[1].empty());
  CHECK(end.exit_code == 130);
  CHECK(end.abandoned);
  CHECK(phases(end) == std::vector{HostPhase::Reverting, HostPhase::Waiting});
  std::ostringstream text;
  print_end(text, end);
  CHECK_THAT(text.str(), Catch::Contains("edge-1: was told to go back; it finishes by itself"));
}

TEST_CASE("an interrupted rollback is remembered as over: it keeps nobody out") {
  Remembered it(1);
  it.agents.away[0] = true;
  Timer timer(it.agents.loop().io(), 10ms);
  timer.async_wait([](const boost::system::error_code&) { std::raise(SIGINT); });
  auto& run = it.agents.run("rollback");
  RolloutRecord record(begin_rollback(run, it.memory, ""), run.hosts(), it.memory.rollouts, it.hold,
                       it.shown);
  record.end(run.roll_back({}, record));
  CHECK_NOTHROW(it.memory.rollouts.check_none_open());
  const auto row = it.memory.rollouts.find("rollback-1");
  CHECK(row.stop == RolloutStop::Interrupted);
  CHECK(row.exit_code == 130);
  CHECK(row.hosts[0].phase == HostPhase::Waiting);
}

TEST_CASE("a rollback that stops does not speak of trials") {
  std::ostringstream text;
  TextView(text, "rollback").stopping("interrupted");
  CHECK_THAT(text.str(), Catch::Contains("rollback           stops: interrupted\n"));
  CHECK_THAT(text.str(), Catch::Contains("no other host is told to go back"));
  CHECK_THAT(text.str(), !Catch::Contains("confirmed"));
}

}  // namespace kongfleet::controller
