// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/verify.hpp"
#include "tests/agent/text.hpp"

#include <functional>

// A node for the watching loop that a test scripts, and what the tests of it share: a Kong with
// master 100 and workers 201 and 202, reloaded at 1000 from /old to /new.
namespace kongfleet::agent::test::scripted {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

inline constexpr ProcessId master{100, 50};
inline constexpr ProcessId old1{201, 60}, old2{202, 60};
inline constexpr ProcessId new1{301, 1000}, new2{302, 1001};

inline KongChild serving(ProcessId id) { return {id, ChildState::Serving}; }
inline KongChild draining(ProcessId id) { return {id, ChildState::Draining}; }
inline KongChild starting(ProcessId id) { return {id, ChildState::Starting}; }

inline LogEntry entry(int pid, const std::string& level, const std::string& message) {
  return {level, pid, message, "line: " + message};
}

/// A node that is scripted: what it shows at each time, and a clock that pauses move on.
struct FakeNode : NodeView {
  FakeNode() {
    view.master = master;
    view.children = {serving(old1), serving(old2)};
    told("/old", {{301, 302}});
  }
  Time now() override { return time; }
  void pause(std::chrono::milliseconds length) override {
    time += length;
    if (at) at(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()));
  }
  ProcessView processes(KongProcesses::Care) override { return view; }
  std::optional<std::vector<LogEntry>> log() override { return lines; }
  std::optional<AdminAnswer> admin(Time) override {
    ++asked;
    time += 1ms;
    return answer;
  }
  std::optional<StatusAnswer> status(Time) override { return stats; }
  WorkerCount workers() override { return {2, 2}; }
  bool accepted_already() override { return accepted; }

  void told(const std::string& path, std::optional<std::vector<int>> pids) {
    answer = AdminAnswer{};
    answer->kind = AdminAnswer::Kind::Told;
    answer->root.lua_package_path = path;
    answer->root.plugins = {{"bundled", "p"}};
    answer->root.workers = std::move(pids);
  }
  void all_new() {
    view.children = {serving(new1), serving(new2), draining(old1)};
    told("/new", {{301, 302}});
  }

  Time time{};
  std::function<void(std::chrono::milliseconds)> at;  // what happens as time goes on
  ProcessView view;
  std::optional<std::vector<LogEntry>> lines = std::vector<LogEntry>{};
  std::optional<AdminAnswer> answer;
  std::optional<StatusAnswer> stats = StatusAnswer{200, 200, true};
  bool accepted = false;
  unsigned asked = 0;
};

inline Snapshot before() {
  Snapshot snapshot;
  snapshot.master = master;
  snapshot.workers = {old1, old2};
  snapshot.taken_at = 1000;
  snapshot.ready = 200;
  snapshot.status_page = 200;
  snapshot.configured = true;
  return snapshot;
}

inline Expectation expected() {
  Expectation expectation;
  expectation.lua_package_path = "/new";
  expectation.plugins = "bundled, p";
  expectation.versions = {{"p", "2.0.0"}};
  expectation.deadline = NodeView::Time{} + 60s;
  return expectation;
}

inline Verdict watch(FakeNode& node) { return watch_reload(node, before(), expected()); }

}  // namespace kongfleet::agent::test::scripted
