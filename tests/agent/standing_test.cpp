// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/standing.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

TEST_CASE("what the agent is at is told in one line") {
  CHECK(standing_text({}) == "Waiting for a controller");
  OpenState open{.id = "rollout-7/edge-1", .holder = "ops", .step = "reload"};
  open.generation = 3;
  CHECK(standing_text(open) == "Changing to generation 3 (reload), transaction rollout-7/edge-1");
  open.step = "trial";
  CHECK(standing_text(open) == "In trial: generation 3, transaction rollout-7/edge-1");
  open.step = "stranded";
  open.id = "a\nb";
  CHECK(standing_text(open) ==
        "STRANDED, needs a person: transaction a\\nb; see kongfleet-agent status");
}

}  // namespace kongfleet::agent::test
