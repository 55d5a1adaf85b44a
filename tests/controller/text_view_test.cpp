// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/text_view.hpp"

#include "controller/clock.hpp"
#include "controller/exit_code.hpp"
#include "controller/rollout_gate.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

#include "agents_fixture.hpp"
#include "run_fixture.hpp"
#include <algorithm>
#include <csignal>
#include <ctime>
#include <sstream>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;
using SaidLines = std::vector<std::string>;

SaidLines lines_of(const std::string& text) {
  SaidLines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Every moment from one to another, as a clock shows it.
SaidLines clock_between(std::time_t begin, std::time_t end) {
  SaidLines shown;
  for (auto now = begin; now <= end; ++now) {
    std::tm parts{};
    ::localtime_r(&now, &parts);
    char text[16];
    std::strftime(text, sizeof text, "%H:%M:%S", &parts);
    shown.emplace_back(text);
  }
  return shown;
}

wire::Outcome proven(bool ok, bool inconclusive) {
  auto outcome = full_outcome();
  outcome.mutable_probes(0)->set_ok(ok);
  outcome.mutable_probes(0)->set_inconclusive(inconclusive);
  return outcome;
}

/// What is printed when a rollout has ended.
SaidLines ending(RunEnd end) {
  end.kind = "rollout";
  end.id = "rollout-1";
  std::ostringstream text;
  print_end(text, end);
  return lines_of(text.str());
}

const std::string resume_or_abort =
    "it is not over: 'kongfleet resume rollout-1' goes on with it, 'kongfleet abort rollout-1' "
    "takes it back";
const std::string the_rest =
    "what each host did and said: 'kongfleet show rollout-1', or as a page 'kongfleet report "
    "rollout-1 -o rollout-1.html'";

/// Presses Ctrl-C when the second host is in trial, and lets nothing go on until it was heard.
struct ImpatientGate final : RolloutGate {
  const KeepingView& view;
  explicit ImpatientGate(const KeepingView& shown) : view(shown) {}
  asio::awaitable<std::string> before_host(const HostRun&, std::size_t) override {
    co_return std::string();
  }
  asio::awaitable<void> after_host(const HostRun& host, std::size_t, HostPhase phase) override {
    if (host.label() != "edge-2" || phase != HostPhase::Trial) co_return;
    std::raise(SIGINT);
    Timer timer(co_await asio::this_coro::executor);
    while (view.why_stopped.empty()) {
      timer.expires_after(1ms);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }
};

/// What is printed of a rollout that hears Ctrl-C as above; and, where `times` is 2, again when its
/// host is told to go back, which it does not answer then.
SaidLines interrupted_rollout(int times) {
  AgentsFixture agents(3);
  auto& rules = agents.fleet().rollout;
  rules.waves = {{Amount::Kind::Count, 1}};  // and then the others
  rules.max_unavailable = {Amount::Kind::Count, 1};
  rules.bake = 0ms;
  agents.answers = [&](std::size_t, const wire::ToAgent& message) {
    const bool again = times > 1 && message.has_revert();
    if (again) std::raise(SIGINT);
    return !again;
  };
  auto& run = agents.run("rollout");
  Rollout rollout(run.rules());
  KeepingView view;
  ImpatientGate gate(view);
  return ending(run.roll_out(rollout, view, &gate));
}

}  // namespace

TEST_CASE("whatever happens is a line that begins with the time") {
  RunFixture run(1);
  run.host(0).state = full_state();
  std::ostringstream text;
  TextView view(text);
  wire::Progress progress;
  progress.set_step("verify");
  progress.set_text("probe 'echo'");
  const auto before = std::time(nullptr);
  view.wave(0, 2, 1);
  view.step(run.host(0), progress);
  view.baking(0, 2, 60s);
  view.phase(run.host(0), HostPhase::Done);
  view.wave(1, 2, 3);
  view.stopping("1 failed, allowed are 0");
  const auto times = clock_between(before, std::time(nullptr));
  auto lines = lines_of(text.str());
  for (auto& line : lines) {
    CHECK(std::find(times.begin(), times.end(), line.substr(0, 8)) != times.end());
    line = line.substr(8);
  }
  CHECK(lines == SaidLines{"  wave 1/2           canary, 1 host",
                           "  edge-1             verify: probe 'echo'",
                           "  wave 1/2           bakes for 1m",
                           "  edge-1             confirmed: runs my-plugin@1.0.0",
                           "  wave 2/2           3 hosts",
                           "  rollout            stops: 1 failed, allowed are 0",
                           "  rollout            nothing new starts; what is not confirmed goes "
                           "back"});
}

TEST_CASE("a probe without a verdict is called inconclusive in text, and not failed") {
  RunFixture run(1);
  const auto said = [&](HostPhase phase, bool ok, bool inconclusive) {
    run.host(0).state = full_state();
    run.host(0).outcome = proven(ok, inconclusive);
    std::ostringstream text;
    TextView(text).phase(run.host(0), phase);
    return text.str();
  };
  using Catch::Contains;
  const auto trial = HostPhase::Trial;
  CHECK_THAT(said(trial, true, false), Contains(", probe echo ok (812 ms)\n"));
  CHECK_THAT(said(trial, false, false), Contains(", probe echo failed (812 ms)\n"));
  CHECK_THAT(said(trial, false, true), Contains(", probe echo inconclusive (812 ms)\n"));
  // After a rollback, which no probe holds up.
  const auto done = HostPhase::Done;
  CHECK_THAT(said(done, true, false), Contains("runs my-plugin@1.0.0\n"));
  CHECK_THAT(said(done, false, false), Contains("; probe echo FAILS: status 500\n"));
  CHECK_THAT(said(done, false, true), Contains("; probe echo is inconclusive: status 500\n"));
}

TEST_CASE("a rollout that failed ends with each cause, and then where the rest is") {
  RunFixture run(4);
  run.host(0).problem = "my-plugin/handler.lua:4: a bug; probe 'echo': status 500";
  run.host(0).state.set_state("ready");
  run.host(1).problem = "no space left";
  const auto lines = ending({.exit_code = exit_code::needs_person,
                             .stop = RolloutStop::Failed,
                             .hosts = {{&run.host(0), HostPhase::Back},
                                       {&run.host(1), HostPhase::Stranded},
                                       {&run.host(2), HostPhase::Waiting},
                                       {&run.host(3), HostPhase::Waiting}}});
  CHECK(lines == SaidLines{"rollout-1: 2 hosts never touched, 1 host back, 1 host stranded",
                           "  edge-1: back on no release (the state before kongfleet): "
                           "my-plugin/handler.lua:4: a bug; probe 'echo': status 500",
                           "  edge-2: STRANDED, needs a person: no space left",
                           "    on the host: kongfleet-agent status; kongfleet-agent rollback",
                           the_rest});
}

TEST_CASE(
    "where the rest is, is said of every rollout in which something failed, and of no other") {
  RunFixture run(1);
  const auto last = [&](int code, RolloutState state, RolloutStop stop, HostPhase phase) {
    const auto lines =
        ending({.exit_code = code, .state = state, .stop = stop, .hosts = {{&run.host(0), phase}}});
    CHECK(std::count(lines.begin(), lines.end(), the_rest) <= 1);
    return lines.back();
  };
  using enum HostPhase;
  using State = RolloutState;
  using Stop = RolloutStop;
  CHECK(last(3, State::Ended, Stop::Failed, Back) == the_rest);
  CHECK(last(5, State::Ended, Stop::Failed, Refused) == the_rest);
  CHECK(last(1, State::Ended, Stop::Failed, Unreachable) == the_rest);
  CHECK(last(6, State::Paused, Stop::Paused, Back) == the_rest);
  CHECK(last(130, State::Interrupted, Stop::Interrupted, Back) == the_rest);
  CHECK(last(0, State::Ended, Stop::No, Back) == the_rest);  // within what was allowed
  CHECK(last(4, State::Aborted, Stop::Aborted, Kept) == the_rest);
  CHECK(last(0, State::Ended, Stop::No, Done) == "rollout-1: 1 host done");
  CHECK(last(0, State::Ended, Stop::No, Unchanged) == "rollout-1: 1 host unchanged");
  CHECK(last(0, State::Aborted, Stop::Aborted, Back).starts_with("  edge-1: back on "));
}

TEST_CASE("what a host that was never heard runs is not known, and never called the baseline") {
  RunFixture run(2);
  wire::Outcome outcome;  // of before, when it was heard
  *outcome.mutable_host() = full_state();
  run.host(1).was_part(1, outcome, "");
  const auto lines =
      ending({.exit_code = exit_code::needs_person,
              .state = RolloutState::Aborted,
              .stop = RolloutStop::Aborted,
              .hosts = {{&run.host(0), HostPhase::Kept}, {&run.host(1), HostPhase::Kept}}});
  CHECK(lines.at(1) ==
        "  edge-1: STILL RUNS an unknown release (it was not heard), it could not be taken back");
  CHECK(lines.at(2) == "  edge-2: STILL RUNS my-plugin@1.0.0, it could not be taken back");
}

TEST_CASE("after a Ctrl-C it is told of every host what became of it") {
  RunFixture run(5);
  run.host(0).state = full_state();
  run.host(1).state = full_state();
  run.host(2).problem = "no answer in time";
  const auto lines = ending({.exit_code = exit_code::interrupted,
                             .state = RolloutState::Interrupted,
                             .stop = RolloutStop::Interrupted,
                             .hosts = {{&run.host(0), HostPhase::Done},
                                       {&run.host(1), HostPhase::Back},
                                       {&run.host(2), HostPhase::Unreachable},
                                       {&run.host(3), HostPhase::Waiting},
                                       {&run.host(4), HostPhase::Waiting}}});
  CHECK(lines ==
        SaidLines{"rollout-1: 2 hosts never touched, 1 host done, 1 host back, 1 host unreachable",
                  "  edge-1: confirmed: runs my-plugin@1.0.0", "  edge-2: back on my-plugin@1.0.0",
                  "  edge-3: not reached, nothing was changed: no answer in time",
                  "  edge-4: never touched", "  edge-5: never touched", resume_or_abort, the_rest});
}

TEST_CASE("a Ctrl-C in the second wave: what is done, what is back, what was never touched") {
  const std::string nothing = "no release (the state before kongfleet)";
  CHECK(interrupted_rollout(1) ==
        SaidLines{"rollout-1: 1 host never touched, 1 host done, 1 host back",
                  "  edge-1: confirmed: runs " + nothing, "  edge-2: back on " + nothing,
                  "  edge-3: never touched", resume_or_abort, the_rest});
  CHECK(interrupted_rollout(2) ==
        SaidLines{
            "rollout-1: 1 host never touched, 1 host done, 1 host reverting",
            "  edge-1: confirmed: runs " + nothing,
            "  edge-2: reverting when we stopped looking: where it did not hear of it, what was "
            "confirmed stays, and a trial ends by itself; see kongfleet status",
            "  edge-3: never touched", resume_or_abort, the_rest});
}

TEST_CASE("after a second Ctrl-C it is told what hosts will do by themselves, and only of those") {
  RunFixture run(13);
  RunEnd end{.exit_code = exit_code::interrupted,
             .state = RolloutState::Open,
             .stop = RolloutStop::Failed};  // it was about to take all of it back
  end.abandoned = true;
  for (std::size_t number = 0; number < 13; ++number)
    end.hosts.emplace_back(&run.host(number), static_cast<HostPhase>(number));
  const auto lines = ending(end);
  const auto said_of = [&](HostPhase phase) {
    const auto number = std::to_string(static_cast<int>(phase) + 1);
    for (const auto& line : lines)
      if (line.starts_with("  edge-" + number + ": ")) return line.substr(line.find(": ") + 2);
    return std::string();
  };
  const std::string by_itself =
      " when we stopped looking: what it does not hear confirmed it undoes by itself; see "
      "kongfleet status";
  using enum HostPhase;
  CHECK(said_of(Changing) == "changing" + by_itself);
  CHECK(said_of(Trial) == "in trial" + by_itself);
  CHECK(said_of(Confirming) == "confirming" + by_itself);
  CHECK(said_of(Reverting) ==
        "reverting when we stopped looking: where it did not hear of it, what was confirmed stays, "
        "and a trial ends by itself; see kongfleet status");
  CHECK(said_of(Lost) == "no answer any more; it takes back by itself what is not confirmed");
  for (const auto phase : {Waiting, Done, Unchanged, Back, Refused, Unreachable, Stranded, Kept}) {
    CHECK_FALSE(said_of(phase).empty());
    CHECK_THAT(said_of(phase), !Catch::Contains("by itself"));
  }
  CHECK(lines.at(lines.size() - 2) == resume_or_abort);
  CHECK(lines.back() == the_rest);
}

}  // namespace kongfleet::controller
