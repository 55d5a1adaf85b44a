// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// The table of verify.hpp, row by row: what proves a host with these witnesses, what fails it, and
// what does neither.
#include "tests/agent/scripted_node.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

using namespace scripted;

namespace {

/// A node that nobody of can be asked: no Admin API, no Status API, no log.
struct DarkNode : FakeNode {
  DarkNode() {
    answer.reset();
    stats.reset();
    lines.reset();
  }
  void all_fresh() { view.children = {serving(new1), serving(new2)}; }
};

Verdict in_time(FakeNode& node, std::chrono::milliseconds limit) {
  const auto verdict = watch(node);
  CHECK(node.time < NodeView::Time{} + limit);
  return verdict;
}

}  // namespace

TEST_CASE("no Admin API: new workers alone prove nothing") {
  DarkNode node;
  node.all_fresh();
  CHECK(holds(watch(node).cause, "nothing shows that they came from an accepted reload"));
  CHECK(node.time >= NodeView::Time{} + 60s);
}

TEST_CASE("no Admin API: each sign of an accepted configuration proves it") {
  DarkNode node;
  SECTION("the master's word, log_level notice") {
    node.lines = {entry(100, "notice", "start worker processes")};
  }
  SECTION("old and new side by side, a log of errors only") {
    node.lines = {entry(201, "error", "[kong] noise")};
    node.view.children = {serving(old1), serving(old2), serving(new1)};
  }
  SECTION("old and new side by side, no log") {
    node.view.children = {serving(old1), starting(new1), starting(new2)};
  }
  SECTION("a worker of before that is retired") {
    node.view.children = {draining(old1), serving(new1), serving(new2)};
  }
  SECTION("seen while the reload was being asked for") { node.accepted = true; }
  node.at = [&](auto) { node.all_fresh(); };
  CHECK(in_time(node, 1s).ok);
}

TEST_CASE("no Admin API: what looks like such a sign and is none") {
  DarkNode node;
  node.all_fresh();
  SECTION("the word of another nginx") {
    node.lines = {entry(999, "notice", "start worker processes")};
  }
  SECTION("a worker replaced, the others still there") {
    node.view.children = {serving(old1), serving(new2)};
    node.at = [&](auto) { node.all_fresh(); };
  }
  SECTION("one that drained before the snapshot, from an older reload") {
    node.view.children = {draining({150, 40}), serving(new1), serving(new2)};
  }
  CHECK_FALSE(watch(node).ok);
}

TEST_CASE("with `auto` workers one that was missing before is not taken for an overlap") {
  Snapshot snapshot = before();
  snapshot.workers = {old1};
  const ProcessView view{master, {serving(old1), serving(new2)}, false};
  CHECK_FALSE(shows_acceptance(snapshot, view, 2));
  CHECK(shows_acceptance(snapshot, view, 1));
}

TEST_CASE("the Status API: what was 200 must be 200 again, and stay configured") {
  DarkNode node;
  node.accepted = true;
  node.all_fresh();
  node.stats = StatusAnswer{200, 200, true};
  SECTION("all as before") { CHECK(in_time(node, 1s).ok); }
  SECTION("ready again in a while") {
    node.stats->ready = 503;
    node.at = [&](auto time) {
      if (time >= 2s) node.stats->ready = 200;
    };
    CHECK(in_time(node, 4s).ok);
  }
  SECTION("never ready again") {
    node.stats->ready = 503;
    CHECK(holds(watch(node).cause, "/status/ready was 200 before the reload and is 503 now"));
  }
  SECTION("silent") {
    node.stats = StatusAnswer{};
    CHECK(holds(watch(node).cause, "/status was 200 before the reload and is silent now"));
  }
  SECTION("broken by a status_api.lua: an error on every page") {
    node.stats = StatusAnswer{500, 500, false};
    CHECK(in_time(node, 5s).cause == "the Status API answers 500");
  }
  SECTION("broken where there is no readiness (Kong 2.8)") {
    node.stats = StatusAnswer{std::nullopt, 500, false};
    CHECK(in_time(node, 5s).cause == "the Status API answers 500");
  }
  SECTION("an error for a moment") {
    node.stats->page = 500;
    node.at = [&](auto) { node.stats->page = 200; };
    CHECK(in_time(node, 1s).ok);
  }
  SECTION("its configuration is gone") {
    node.stats->configured = false;
    CHECK(holds(in_time(node, 40s).cause, "the declarative configuration that was loaded before"));
    CHECK(node.time >= NodeView::Time{} + 30s);
  }
  SECTION("its configuration comes back with the control plane's") {
    node.stats->configured = false;
    node.at = [&](auto time) { node.stats->configured = time >= 12s; };
    CHECK(in_time(node, 14s).ok);
  }
}

TEST_CASE("the Status API: what was not there before need not be there") {
  DarkNode node;
  node.accepted = true;
  node.all_fresh();
  node.stats = StatusAnswer{503, 500, false};
  auto snapshot = before();
  snapshot.ready = 503;
  snapshot.status_page = 500;
  snapshot.configured = false;
  CHECK(watch_reload(node, snapshot, expected()).ok);
}

TEST_CASE(
    "a rejection that no log tells: the master took the signal, and idles beside old workers") {
  DarkNode node;
  node.view.busy = false;
  SECTION("it was seen at work: 3 s") {
    node.view.busy = true;
    node.at = [&](auto time) { node.view.busy = time < 1s; };
    CHECK(holds(in_time(node, 5s).cause,
                "Kong rejected the reload: the old workers stay; its error "
                "log can't be read here"));
  }
  SECTION("its shared memory is flushed: 3 s") {
    node.told("/old", {});
    node.answer->root.workers.reset();
    CHECK(holds(in_time(node, 5s).cause, "the old workers stay and pids.workers is missing"));
  }
  SECTION("a log that says it heard, and no more: 3 s") {
    node.lines = {entry(100, "notice", "reconfiguring")};
    CHECK(holds(in_time(node, 5s).cause, "its error log does not say why"));
  }
  SECTION("where /proc does not tell whether it is at work: 30 s") {
    node.view.busy.reset();
    node.told("/old", {});
    node.answer->root.workers.reset();
    CHECK(holds(in_time(node, 33s).cause, "Kong rejected the reload"));
    CHECK(node.time >= NodeView::Time{} + 30s);
  }
}

TEST_CASE("a reload that never comes is told as that after 30 s") {
  DarkNode node;
  node.view.busy = false;
  SECTION("no log") {}
  SECTION("a log that tells of other things") {
    node.lines = {entry(100, "notice", "signal 10 (SIGUSR1) received from 1, reopening logs")};
  }
  SECTION("an Admin API that is as it was") { node.told("/old", {{201, 202}}); }
  const auto verdict = in_time(node, 33s);
  CHECK(holds(verdict.cause, "the reload never reached Kong's master process 100"));
  CHECK(holds(verdict.cause, "ExecReload"));
  CHECK(node.time >= NodeView::Time{} + 30s);
}

TEST_CASE("a slow master is waited for, and one that hangs is named with the way out") {
  FakeNode node;
  node.view.busy = true;
  SECTION("slow") {
    node.at = [&](auto time) {
      if (time < 50s) return;
      node.view.busy = false;
      node.all_new();
    };
    CHECK(watch(node).ok);
  }
  SECTION("hangs") {
    node.lines = {entry(100, "notice", "reconfiguring")};
    const auto verdict = watch(node);
    CHECK(node.time >= NodeView::Time{} + 60s);
    CHECK(holds(verdict.cause,
                "not proven within the time allowed: Kong's master process 100 has "
                "been at work on the reload for 60 s"));
    CHECK(holds(verdict.cause, "The old workers serve on"));
    CHECK(holds(verdict.cause, "restart Kong once kong.conf names what loads"));
  }
}

TEST_CASE("workers that die as soon as they come up are told, log or not") {
  FakeNode node;
  int pid = 300;
  node.at = [&](auto) {
    ++pid;
    node.view.children = {serving(new1),
                          pid % 2 == 0 ? starting({pid, 2000}) : serving({pid, 2000})};
  };
  SECTION("by the log, at once") {
    node.lines = {entry(100, "alert", "worker process 305 exited on signal 11")};
    CHECK(holds(in_time(node, 1s).cause, "a new worker crashed"));
  }
  SECTION("by their coming and going") {
    node.lines.reset();
    CHECK(holds(in_time(node, 2s).cause, "new workers die as soon as they come up: "));
  }
  SECTION("by that, also where they always look well") {
    node.lines.reset();
    node.at = [&](auto) {
      ++pid;
      node.view.children = {serving(new1), serving({pid, 2000})};
    };
    CHECK(holds(in_time(node, 2s).cause, "new workers die as soon as they come up: "));
  }
}

TEST_CASE("workers of somebody's next reload, which retires ours, are no crash loop") {
  DarkNode node;
  node.accepted = true;
  int round = 0;
  node.at = [&](auto time) {
    if (time < 2s) ++round;
    const int first = 400 + 2 * (round / 2);
    node.view.children = {serving({first, 3000}), serving({first + 1, 3000})};
    // Every other look shows them being retired, before the next pair is there.
    if (round % 2 == 1 && time < 2s)
      node.view.children = {draining({first, 3000}), draining({first + 1, 3000}),
                            starting({first + 2, 3000})};
  };
  CHECK(watch(node).ok);
}

}  // namespace kongfleet::agent::test
