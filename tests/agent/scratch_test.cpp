// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/scratch.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <fstream>
#include <set>

using namespace kongfleet::agent;

TEST_CASE("what a dead agent left of a preflight is deleted, and nothing else") {
  const TempDir directory;
  const auto& state = directory.path();
  std::filesystem::create_directories(state / "p-Ab3dEf/k");
  std::filesystem::create_directories(state / "generations");
  for (const char* name : {"p-Ab3dEf/kong.conf", "candidate.conf", "candidate.conf.new",
                           "baseline.json.new", "baseline.json", "journal"})
    std::ofstream(state / name) << "x";
  sweep_scratch(state);
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(state))
    left.insert(entry.path().filename());
  CHECK(left == std::set<std::string>{"baseline.json", "generations", "journal"});
  sweep_scratch(state / "absent");
}
