// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/durable_file.hpp"
#include "agent/kong_node.hpp"
#include "agent/preflight.hpp"
#include "tests/agent/kong_fixture.hpp"
#include "tests/agent/text.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kongfleet::agent::test {

/// A running Kong, and what preflight says of other generations.
struct Preflight {
  explicit Preflight(const std::string& version, const std::vector<std::string>& settings = {})
      : kong(version, settings), node(kong.config()) {
    kong.start();
    facts = node.inspect();
  }
  PreflightReport report(const std::string& generation,
                         const std::string& plugins = "bundled,my-plugin",
                         std::chrono::seconds limit = std::chrono::seconds(60)) {
    const auto conf = kong.config().conf;
    const auto live = read_file(conf);
    kong.configure(generation, plugins);
    const auto candidate = kong.config().state / "candidate.conf";
    kong.write(candidate, read_file(conf) + more);
    kong.write(conf, live);
    return node.preflight(facts, candidate, kong.gen(generation),
                          std::chrono::steady_clock::now() + limit);
  }
  std::vector<Finding> of(const std::string& generation,
                          const std::string& plugins = "bundled,my-plugin") {
    return report(generation, plugins).findings;
  }
  /// The only finding.
  Finding one(const std::string& generation, const std::string& plugins = "bundled,my-plugin") {
    const auto findings = of(generation, plugins);
    for (const auto& finding : findings) UNSCOPED_INFO(finding.text);
    REQUIRE(findings.size() == 1);
    CHECK_FALSE(findings.front().warning);
    CHECK_FALSE(findings.front().advice.empty());
    return findings.front();
  }
  bool kong3() const { return version_at_least(facts.version, 3, 0); }

  std::string more;  // of the candidate's kong.conf
  TestKong kong;
  KongNode node;
  GatewayFacts facts;
};

/// The Kong of that version on which nobody leaves a trace: started once, for all tests.
inline Preflight& shared_kong(const std::string& version) {
  static std::map<std::string, Preflight> running;
  return running.try_emplace(version, version).first->second;
}

constexpr const char* plugin = "kong/plugins/my-plugin/";

}  // namespace kongfleet::agent::test
