// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/status_view.hpp"

#include <catch2/catch.hpp>

#include "run_fixture.hpp"
#include <algorithm>

namespace kongfleet::controller {

namespace {

using StatusRows = std::vector<std::string>;

/// Hosts that are as they were left, but for one that drifted, one that is stranded, and one that
/// does not answer.
struct Watched : RunFixture {
  explicit Watched(std::size_t hosts) : RunFixture(hosts) {
    for (std::size_t number = 0; number < hosts; ++number) {
      auto& state = host(number).state;
      state.set_state("ready");
      state.set_kong_version("3.4.2");
      state.set_generation(7);
      auto& release = *state.add_releases();
      release.set_name("my-plugin");
      release.set_version("1.0.0");
    }
    host(1).state.add_drift("files: 'handler.lua' was edited");
    host(2).state.set_state("stranded");
    host(2).state.set_advice("kongfleet-agent rollback");
    host(3).trouble = Trouble::Away;
    host(3).problem = "connect to 'edge-4': nobody is there";
  }
};

}  // namespace

TEST_CASE("status on a screen: counts, then who is not ready, then the others, then why") {
  const Watched run(5);
  CHECK(status_rows(run.hosts(), {.width = 80, .height = 24}) ==
        StatusRows{"5 hosts, 1 drift, 2 ready, 1 stranded, 1 unknown",
                   "HOST    STATE         KONG      GENERATION  RELEASES",
                   "edge-2  drift         3.4.2     7           my-plugin@1.0.0",
                   "edge-3  stranded      3.4.2     7           my-plugin@1.0.0",
                   "edge-4  unknown                             ",
                   "edge-1  ready         3.4.2     7           my-plugin@1.0.0",
                   "edge-5  ready         3.4.2     7           my-plugin@1.0.0",
                   "edge-2: drift: files: 'handler.lua' was edited",
                   "edge-3: kongfleet-agent rollback",
                   "edge-4: connect to 'edge-4': nobody is there"});
}

TEST_CASE(
    "status on a small screen keeps the counts and who is not ready, and says what is left out") {
  const Watched run(3000);
  const auto rows = status_rows(run.hosts(), {.width = 24, .height = 9});
  CHECK(rows == StatusRows{"3,000 hosts, 1 drift, 2~", "HOST       STATE       ~",
                           "edge-2     drift       ~", "edge-3     stranded    ~",
                           "edge-4     unknown     ~", "edge-1     ready       ~",
                           "edge-5     ready       ~", "and 2995 more"});
}

TEST_CASE("status is never larger than its window") {
  const Watched run(40);
  for (std::size_t width = 1; width <= 90; width += 7) {
    for (std::size_t height = 1; height <= 60; ++height) {
      const auto rows = status_rows(run.hosts(), {.width = width, .height = height});
      CHECK(rows.size() == std::min<std::size_t>(height - 1, 45));
      for (const auto& row : rows) CHECK(row.size() <= width);
    }
  }
}

}  // namespace kongfleet::controller
