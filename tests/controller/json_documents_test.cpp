// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/checkup_view.hpp"
#include "controller/history_view.hpp"
#include "controller/json_view.hpp"
#include "controller/plan_view.hpp"
#include "controller/rollout_hooks.hpp"
#include "controller/status_view.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "run_fixture.hpp"
#include "tree_fixture.hpp"
#include <cstdlib>
#include <fstream>
#include <sstream>

// The JSON that needs hosts, with a word in every field, kept for ever: what a reader of
// kongfleet/1 was written for stays. tests/controller/json_schema_test.py holds each file to the
// schema, those of earlier versions too. A new field makes a new file ("plan-2") that the test
// compares with from then on; an existing file never changes. KONGFLEET_WRITE_GOLDEN=1 writes those
// that do not exist.

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t start = 1'764'000'000'000;

void check_golden(const std::string& name, const std::string& said) {
  const auto path = std::string(KONGFLEET_SOURCE) + "/tests/golden/json/" + name + ".json";
  std::ifstream file(path);
  if (!file && std::getenv("KONGFLEET_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << said;
    file.open(path);
  }
  INFO(path);
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  CHECK(said == text.str());
}

/// One that said all it can, one that is silent, one that is as it should be.
struct ThreeHosts : RunFixture {
  ThreeHosts() : RunFixture(3) {
    host(0).state = full_state();
    host(0).plan = full_plan();
    host(0).outcome = full_outcome();
    host(0).problem = "probe 'echo': status 500";
    host(1).trouble = Trouble::Away;
    host(1).problem = "connect to 'edge-2': nobody is there";
    host(2).state.set_state("ready");
    host(2).plan.emplace().set_unchanged(true);
  }
};

RememberedRollout remembered() {
  RememberedRollout rollout;
  rollout.id = "rollout-20251124T160000-3fa9";
  rollout.kind = "rollout";
  rollout.who = "ops@deploy-1";
  rollout.started_ms = start;
  rollout.ended_ms = start + 120'000;
  rollout.selection = "edge !edge-3";
  rollout.state = RolloutState::Ended;
  rollout.stop = RolloutStop::Failed;
  rollout.why = "1 failed, allowed are 0";
  rollout.exit_code = 3;
  rollout.releases = {{"my-plugin", "1.1.0", std::string(64, 'a')}};
  auto& failed = rollout.hosts.emplace_back();
  failed.label = "edge-1";
  failed.attempt = 2;
  failed.phase = HostPhase::Back;
  failed.started_ms = start + 10;
  failed.ended_ms = start + 61'000;
  failed.cause = "probe 'echo': status 500";
  failed.outcome = full_outcome();
  failed.way_back = wire::Outcome();
  rollout.hosts.emplace_back().label = "edge-2";
  rollout.hosts_all = 2;
  rollout.hosts_failed = 1;
  return rollout;
}

}  // namespace

TEST_CASE("the JSON of plan and status is what it always was") {
  const ThreeHosts run;
  std::ostringstream plan, status;
  print_plan_json(plan, run.hosts(), {});
  check_golden("plan", plan.str());
  print_status_json(status, run.hosts());
  check_golden("status", status.str());
}

TEST_CASE("a plan tells what keeps a rollout from beginning, to people and to programs") {
  const ReleaseConflict conflict{.name = "my-plugin",
                                 .version = "1.0.0",
                                 .digest = std::string(64, 'a'),
                                 .released_digest = std::string(64, 'b'),
                                 .rollout = "rollout-1",
                                 .at_ms = start};
  std::ostringstream text, plan;
  print_conflicts(text, {conflict});
  CHECK_THAT(text.str(), Catch::StartsWith("my-plugin\n  X a rollout would be refused: "
                                           "my-plugin@1.0.0 was released on ") &&
                             Catch::Contains("by rollout-1") &&
                             Catch::EndsWith(": give it a new version\n"));
  print_plan_json(plan, {}, {conflict});
  const auto local = text_of(conflict);  // it has a time of here in it
  check_golden("plan-conflict", replaced(plan.str(), local, "TEXT"));
}

TEST_CASE("the JSON of a sync's end, and of what a rollback ends, is what it always was") {
  ThreeHosts run;
  std::ostringstream text;
  auto paused = remembered();
  paused.state = RolloutState::Paused;
  JsonView(text).ends(paused, "this rollback ends it");
  const RunEnd end{.kind = "sync",
                   .id = "sync-20251124T160000-3fa9",
                   .exit_code = 2,
                   .hosts = {{&run.host(2), HostPhase::Done}},
                   .left_alone = {{&run.host(1), HostPhase::Unreachable}},
                   .poisoned = {&run.host(0)}};
  print_end_json(text, end);
  check_golden("sync", text.str());
}

TEST_CASE("the JSON of a rollout's events is what it always was") {
  ThreeHosts run;
  std::ostringstream text;
  JsonView view(text);
  view.wave(0, 2, 1);
  wire::Progress progress;
  progress.set_step("verify");
  progress.set_text("probe 'echo'");
  progress.set_at_ms(812);
  view.step(run.host(0), progress);
  view.phase(run.host(0), HostPhase::Back);
  view.phase(run.host(1), HostPhase::Unreachable);
  view.phase(run.host(2), HostPhase::Done);
  view.baking(0, 2, 60s);
  view.stopping("1 failed, allowed are 0");
  const RunEnd end{.kind = "rollout",
                   .id = "rollout-20251124T160000-3fa9",
                   .exit_code = 3,
                   .hosts = {{&run.host(0), HostPhase::Back},
                             {&run.host(1), HostPhase::Unreachable},
                             {&run.host(2), HostPhase::Done}},
                   .taken_over = "taken over by ops@deploy-2"};
  print_end_json(text, end);
  check_golden("events", text.str());
}

TEST_CASE("the JSON of history and show is what it always was") {
  const auto over = remembered();
  auto open = over;
  open.id = "sync-20251124T170000-3fa9";
  open.kind = "sync";
  open.ended_ms = 0;
  open.state = RolloutState::Open;
  std::ostringstream history, show;
  print_history_json(history, {open, over}, open.id);
  check_golden("history", history.str());
  const std::vector<RememberedEvent> events = {{start, "wave", "", "1/2: 1 hosts"},
                                               {start + 10, "host", "edge-1", "changing"}};
  print_rollout_json(show, over, events, "");
  check_golden("show", show.str());
}

TEST_CASE("the JSON of a check with hosts is what it always was") {
  ThreeHosts run;
  CheckReport report;
  report.fleet.name = "edge";
  report.fleet.hosts = run.fleet().hosts;
  run.host(0).checkup.emplace();
  run.host(0).agent_version = "0.0.9";
  auto& check = *run.host(0).checkup->checkup.add_checks();
  check.set_name("reload");
  check.set_verdict(wire::Check::WRONG);
  check.set_text("kong.service has no ExecReload");
  check.set_why("a reload would go on with what Kong read before");
  check.set_remedy("systemctl daemon-reload");
  check.set_remedy_kind(wire::Check::HOST);
  const auto document = check_hosts_json(report, run.hosts());
  auto said = boost::json::serialize(document);
  const std::string version = KONGFLEET_VERSION;
  for (auto at = said.find(version); at != std::string::npos; at = said.find(version))
    said.replace(at, version.size(), "9.9.9");
  check_golden("check-hosts", said + "\n");
}

TEST_CASE("the JSON that hooks read is what it always was") {
  const ScratchDirectory scratch;
  ThreeHosts run;
  auto& hooks = run.fleet().hooks;
  hooks.directory = scratch.path();
  const std::vector<std::string> hook = {"sh", "-c", "cat >> told"};
  hooks.before_wave = hooks.before_host = hooks.after_host = hooks.after_rollout = hook;
  std::vector<std::string> troubles;
  RolloutHooks told(run.fleet(), "rollout-1",
                    [&](std::string trouble) { troubles.push_back(std::move(trouble)); });
  asio::io_context io;
  auto story = [&]() -> asio::awaitable<void> {
    const auto objection = co_await told.before_host(run.host(0), 0);
    CHECK(objection.empty());
    co_await told.after_host(run.host(0), 0, HostPhase::Back);
  };
  asio::co_spawn(io, story(), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
  io.run();
  told.after_rollout({.exit_code = 3, .hosts = {{&run.host(0), HostPhase::Back}}});
  CHECK(troubles.empty());
  check_golden("hooks", scratch.read("told"));
}

}  // namespace kongfleet::controller
