// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/scripted_node.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

using namespace scripted;

TEST_CASE("a good reload, state by state, is a success only at its end") {
  FakeNode node;
  std::chrono::milliseconds success{};
  node.at = [&](auto time) {
    if (time >= 100ms) node.told("/old", {});  // the shared memory is flushed
    if (time >= 200ms) node.view.children = {serving(old1), serving(old2), starting(new1)};
    if (time >= 300ms) node.told("/old", {{301, 302}});  // new pids, old configuration
    if (time >= 300ms)
      node.view.children = {serving(old1), serving(old2), serving(new1), serving(new2)};
    if (time >= 400ms) node.all_new();
    success = time;
  };
  const auto verdict = watch(node);
  CHECK(verdict.cause == "");
  CHECK(verdict.ok);
  CHECK(success >= 500ms);  // stable for 100 ms
  CHECK(success < 1s);
  CHECK(node.asked >= 4);  // twice the workers
  REQUIRE(verdict.workers.size() == 3);
  CHECK(verdict.workers[0].fresh);
  CHECK(verdict.workers[2].state == "draining");
  CHECK_FALSE(verdict.workers[2].fresh);
}

TEST_CASE("a rejected reload is told at once, with the whole text") {
  FakeNode node;
  node.at = [&](auto time) {
    if (time >= 100ms)
      node.lines = {entry(201, "error", "[kong] noise"),
                    entry(100, "error", "init_by_lua error: x.lua:1: oops:\n\tinner")};
  };
  const auto verdict = watch(node);
  CHECK_FALSE(verdict.ok);
  CHECK(verdict.cause == "Kong rejected the reload: init_by_lua error: x.lua:1: oops: inner");
  CHECK(verdict.error_log.starts_with("line: init_by_lua error"));
  CHECK(node.time < NodeView::Time{} + 300ms);
}

TEST_CASE("a killed worker that came back with the old code is never a success") {
  FakeNode node;
  node.lines = std::nullopt;
  node.view.children = {serving(new1), serving(new2)};
  SECTION("seen by the Admin API") {
    node.told("/old", {{301, 302}});
    CHECK(holds(watch(node).cause, "runs with lua_package_path /old instead of /new"));
  }
  SECTION("with nobody to ask") {
    node.answer = std::nullopt;
    CHECK(holds(watch(node).cause, "nothing shows that they came from an accepted reload"));
  }
  SECTION("one at a time") {
    node.view.children = {serving(old1), serving(new2)};
    node.answer = std::nullopt;
    node.at = [&](auto time) {
      if (time >= 1s) node.view.children = {serving(new1), serving(new2)};
    };
    CHECK_FALSE(watch(node).ok);
  }
}

TEST_CASE("without an Admin API it takes an overlap, or the master's own word") {
  FakeNode node;
  node.answer = std::nullopt;
  SECTION("overlap") {
    node.lines = std::nullopt;
    node.view.children = {serving(old1), serving(old2), starting(new1)};
    node.at = [&](auto time) {
      if (time >= 100ms) node.all_new();
      node.answer = std::nullopt;
    };
    CHECK(watch(node).ok);
  }
  SECTION("the master's word") {
    node.all_new();
    node.answer = std::nullopt;
    node.lines = {entry(100, "notice", "start worker processes")};
    CHECK(watch(node).ok);
  }
  SECTION("an API that is not for us is none") {
    node.all_new();
    node.answer->kind = AdminAnswer::Kind::Forbidden;
    node.lines = {entry(100, "notice", "start worker processes")};
    CHECK(watch(node).ok);
  }
}

TEST_CASE("a worker that was missing in the snapshot and comes back is no overlap") {
  auto snapshot = before();
  snapshot.workers = {old1};
  ProcessView view{master, {serving(old1), serving(new2)}};
  CHECK_FALSE(shows_acceptance(snapshot, view, 2));
  view.children.push_back(starting({303, 1002}));
  CHECK(shows_acceptance(snapshot, view, 2));
}

TEST_CASE("every sign that disagrees keeps it from being a success") {
  FakeNode node;
  node.all_new();
  CHECK(watch(node).ok);
  SECTION("an old worker serves") {
    node.view.children.push_back(serving(old2));
    CHECK(holds(watch(node).cause, "worker 202, older than the reload, still serves"));
  }
  SECTION("a worker is missing") {
    node.view.children = {serving(new1)};
    CHECK(holds(watch(node).cause, "1 of 2 new workers have come up"));
  }
  SECTION("a worker is not up yet") {
    node.view.children.push_back(starting({303, 1002}));
    CHECK(holds(watch(node).cause, "worker 303 has not come up yet"));
  }
  SECTION("a worker of a reused pid that is older than the snapshot") {
    node.view.children[0] = serving({301, 999});
    CHECK(holds(watch(node).cause, "worker 301, older than the reload"));
  }
  SECTION("the master is gone") {
    node.view.master.reset();
    CHECK(watch(node).cause == "Kong's master process 100 is gone");
  }
  SECTION("the master is another one") {
    node.view.master = ProcessId{100, 51};
    CHECK(holds(watch(node).cause, "Kong was restarted meanwhile"));
  }
  SECTION("the plugins are others") {
    node.answer->root.plugins = {{"bundled"}};
    CHECK(holds(watch(node).cause, "runs with plugins bundled instead of bundled, p"));
  }
  SECTION("the pids are flushed") {
    node.answer->root.workers.reset();
    CHECK(holds(watch(node).cause, "pids.workers is missing"));
  }
  SECTION("the pids are others") {
    node.answer->root.workers = {{301, 999}};
    CHECK(holds(watch(node).cause, "other workers"));
  }
  SECTION("the Admin API is another Kong's") {
    node.answer->root.master = 999;
    CHECK(holds(watch(node).cause, "belongs to another Kong, with master process 999"));
  }
  SECTION("the version is another") {
    node.answer->root.versions = {{"p", "1.0.0"}};
    CHECK(holds(watch(node).cause, "plugin p runs in version 1.0.0 instead of 2.0.0"));
  }
  SECTION("the plugin is not loaded") {
    node.answer->root.versions = {{"q", "1.0.0"}};
    CHECK(holds(watch(node).cause, "does not have plugin p loaded"));
  }
  SECTION("the Admin API breaks") {
    node.answer->kind = AdminAnswer::Kind::Broken;
    node.answer->text = "the Admin API answers 500";
    CHECK(watch(node).cause == "the Admin API answers 500");
    CHECK(node.time < NodeView::Time{} + 10s);
  }
  SECTION("the Admin API is silent") {
    node.answer->kind = AdminAnswer::Kind::Silent;
    node.answer->text = "no answer";
    CHECK(watch(node).cause == "not proven within the time allowed: no answer");
  }
  SECTION("it is no longer ready") {
    node.stats->ready = 503;
    CHECK(holds(watch(node).cause, "/status/ready was 200 before the reload and is 503 now"));
  }
  SECTION("a new worker is degraded") {
    node.lines = {entry(301, "crit", "worker initialization error: oops")};
    CHECK(watch(node).cause == "a new worker is degraded: worker initialization error: oops");
  }
  SECTION("a new worker crashed") {
    node.lines = {entry(100, "alert", "worker process 303 exited on signal 11")};
    CHECK(holds(watch(node).cause, "a new worker crashed"));
  }
  SECTION("Kong can't listen") {
    node.view.children = {serving(old1), serving(old2)};
    node.lines = {entry(100, "emerg", "bind() to 127.0.0.1:1 failed")};
    CHECK(holds(watch(node).cause, "Kong can't listen: bind() to 127.0.0.1:1 failed"));
  }
}

TEST_CASE("what old workers leave in the log is not held against the new ones") {
  FakeNode node;
  node.all_new();
  node.lines = {
      entry(201, "alert", "unsafe request processing due to earlier initialization errors"),
      entry(100, "alert", "worker process 202 exited on signal 9"),
      entry(100, "emerg", "bind() to 127.0.0.1:1 failed"),
      entry(100, "notice", "start worker processes"), entry(999, "emerg", "some other nginx")};
  CHECK(watch(node).ok);
}

TEST_CASE("a node that was never ready needs not be") {
  FakeNode node;
  node.all_new();
  node.stats->ready = 503;
  auto snapshot = before();
  snapshot.ready = 503;
  CHECK(watch_reload(node, snapshot, expected()).ok);
  snapshot.ready.reset();
  CHECK(watch_reload(node, snapshot, expected()).ok);
}

TEST_CASE("one answer of an old worker is not the end") {
  FakeNode node;
  node.all_new();
  node.told("/old", {{301, 302}});
  node.at = [&](auto time) {
    if (time >= 500ms) node.told("/new", {{301, 302}});
  };
  CHECK(watch(node).ok);
}

TEST_CASE("a silent rejection is suspected once the pids stay away") {
  FakeNode node;
  node.lines = std::nullopt;
  node.told("/old", {});
  node.answer->root.workers.reset();
  const auto verdict = watch(node);
  CHECK(holds(verdict.cause, "Kong rejected the reload: the old workers stay"));
  CHECK(node.time < NodeView::Time{} + 40s);
}

TEST_CASE("in a trial a worker may be replaced, but not all the time") {
  FakeNode node;
  node.all_new();
  CHECK(look_once(node, before(), expected()).ok);
  SECTION("being replaced") {
    node.view.children = {serving(new1)};
    node.at = [&](auto) {
      node.view.children = {serving(new1), serving({303, 2000})};
      node.told("/new", {{301, 303}});
    };
    node.lines = {entry(100, "alert", "worker process 302 exited on signal 9")};
    CHECK(look_once(node, before(), expected()).ok);
  }
  SECTION("a crash loop") {
    node.lines =
        std::vector<LogEntry>(3, entry(100, "alert", "worker process 9 exited on signal 11"));
    CHECK(holds(look_once(node, before(), expected()).cause, "a new worker crashed"));
  }
  SECTION("somebody restarted Kong") {
    node.view.master = ProcessId{101, 3000};
    CHECK_FALSE(look_once(node, before(), expected()).ok);
  }
  SECTION("somebody's own broken reload flushed the shared memory") {
    node.lines = {entry(100, "error", "init_by_lua error: not ours")};
    CHECK(look_once(node, before(), expected()).ok);
    node.told("/new", {});
    node.answer->root.workers.reset();
    CHECK(holds(look_once(node, before(), expected()).cause, "pids.workers is missing"));
  }
}

}  // namespace kongfleet::agent::test
