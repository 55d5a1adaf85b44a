// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/kong_node.hpp"
#include "tests/agent/kong_fixture.hpp"
#include "tests/agent/text.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace kongfleet::agent::test {

/// A running Kong on gen1, and the agent's node that looks at it.
struct Scene {
  explicit Scene(const std::string& version, const std::vector<std::string>& settings = {},
                 const HostPaths& paths = {})
      : kong(version, settings), node(kong.config(), paths) {
    kong.start();
    facts = node.inspect();
  }

  Expectation expectation(const std::string& generation, std::chrono::milliseconds time) const {
    Expectation expected;
    expected.lua_package_path = kong.path_value(generation);
    expected.plugins = "bundled,my-plugin";
    expected.deadline = std::chrono::steady_clock::now() + time;
    return expected;
  }

  /// Switches to a generation and watches.
  Verdict deploy(const std::string& generation,
                 std::chrono::milliseconds time = std::chrono::seconds(60)) {
    kong.configure(generation);
    before = node.snapshot(facts);
    const auto problem =
        node.reload(facts, std::chrono::steady_clock::now() + std::chrono::seconds(60));
    CHECK(problem == "");
    return node.verify(facts, before, expectation(generation, time));
  }

  void require_good(const Verdict& verdict) const {
    INFO(verdict.cause << "\n" << verdict.error_log);
    REQUIRE(verdict.ok);
    const auto fresh =
        std::count_if(verdict.workers.begin(), verdict.workers.end(),
                      [](const WorkerRow& row) { return row.fresh && row.state == "serving"; });
    CHECK(fresh == 2);
  }

  TestKong kong;
  KongNode node;
  GatewayFacts facts;
  Snapshot before;
};

/// One Scene of that version for all tests that leave it with a generation that serves.
inline Scene& shared_scene(const std::string& version) {
  static std::map<std::string, Scene> running;
  return running.try_emplace(version, version).first->second;
}

}  // namespace kongfleet::agent::test
