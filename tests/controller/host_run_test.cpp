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

TEST_CASE("a conversation that another one came after is begun anew, and asks again") {
  AgentsFixture agents(1);
  agents.refuses = [&](std::size_t, const wire::ToAgent&) {
    return agents.told[0].size() == 1 ? "superseded" : "";
  };
  auto& run = agents.run("resume");
  run.ask_again({true}, [] {});
  CHECK(run.hosts()[0]->answer == HostAnswer::Trial);
  CHECK(agents.told[0] == std::vector<std::string>{"renew", "renew"});
}

}  // namespace kongfleet::controller
