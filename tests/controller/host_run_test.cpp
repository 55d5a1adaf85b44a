// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_run.hpp"

#include <catch2/catch.hpp>

#include "agents_fixture.hpp"

namespace kongfleet::controller {

TEST_CASE("a host is greeted and asked for its plan in one flight") {
  AgentsFixture agents(2);
  agents.run("plan").plan_all();
  CHECK(agents.told == std::vector<std::vector<std::string>>(2, {"propose"}));
  CHECK(agents.flights == std::vector<int>{1, 1});
}

}  // namespace kongfleet::controller
