// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/silent_agent.hpp"

#include "agent/journal.hpp"
#include "tests/agent/agent_fixture.hpp"
#include "tests/agent/text.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

using namespace kongfleet::agent;
using test::holds;

namespace {

struct Printed {
  int code = 0;
  std::string text;
};

Printed look(const AgentFixture& agent) {
  std::ostringstream out;
  const int code = print_silent_agent(agent.config, "no agent listens", out);
  return {code, out.str()};
}

}  // namespace

TEST_CASE("where no agent answers, its journal tells what is confirmed and what is open") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto calm = look(agent);
  CHECK(calm.code == 1);
  CHECK(holds(calm.text, "state       unknown: no agent listens\n"));
  CHECK(holds(calm.text, "generation  1, confirmed last\n"));
  CHECK(holds(calm.text, "no transaction is open"));

  REQUIRE(agent.result(agent.apply("1.1.0", "second")) == Result::Trial);
  const auto open = look(agent);
  CHECK(open.code == 4);
  CHECK(holds(open.text, "open        second of "));
  CHECK(holds(open.text, ", step trial, since 20"));
  CHECK(holds(open.text, "systemctl restart kongfleet-agent"));
}

TEST_CASE("a stranded host says why, also where no agent answers") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.gateway.on_verify = [](const Expectation&) {
    Verdict verdict;
    verdict.cause = "init_by_lua error";
    return verdict;
  };
  REQUIRE(agent.result(agent.apply("1.1.0", "bad")) == Result::Stranded);
  const auto printed = look(agent);
  CHECK(printed.code == 4);
  CHECK(holds(printed.text, "step stranded"));
  CHECK(holds(printed.text, "cause       init_by_lua error"));
}

TEST_CASE("no journal, and one that can't be read, are told as what they are") {
  AgentFixture agent;
  agent.transactions.reset();
  const auto path = agent.config.state / "journal";
  std::filesystem::remove(path);
  const auto none = look(agent);
  CHECK(none.code == 1);
  CHECK(holds(none.text, "nothing was ever deployed here"));
  std::ofstream(path) << "kongfleet-journal 9 1 2 x\n";
  const auto unknown = look(agent);
  CHECK(unknown.code == 4);
  CHECK(holds(unknown.text, "journal     journal '" + path.string() + "'"));
  CHECK_FALSE(holds(unknown.text, "generation"));
}
