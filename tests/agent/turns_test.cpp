// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/turns.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"

using namespace kongfleet::agent;
using namespace std::chrono_literals;

TEST_CASE("of a rollout the conversation that began last gives the orders") {
  Turns turns;
  const auto first = turns.take("rollout-1");
  CHECK_FALSE(turns.is_over(first));
  const auto other = turns.take("rollout-2");
  CHECK_FALSE(turns.is_over(first));
  const auto second = turns.take("rollout-1");
  CHECK(turns.is_over(first));
  CHECK_FALSE(turns.is_over(second));
  CHECK_FALSE(turns.is_over(other));
}

TEST_CASE("a conversation of no rollout is never over") {
  Turns turns;
  const auto local = turns.take("");
  turns.take("");
  CHECK_FALSE(turns.is_over(local));
  CHECK_FALSE(turns.is_over({}));
}

TEST_CASE("a rollout is known for as long as a conversation of it lasts, however many come after") {
  Turns turns;
  const auto first = turns.take("rollout-1");
  const auto second = turns.take("rollout-1");
  for (int i = 0; i < 1000; ++i) turns.give_back(turns.take("status-" + std::to_string(i)));
  CHECK(turns.is_over(first));
  turns.give_back(second);  // its controller hung up: what comes in the first is no less late
  CHECK(turns.is_over(first));
  turns.give_back(first);
  CHECK_FALSE(turns.is_over(first));
  turns.give_back({});
}

TEST_CASE("an order that comes after the rollout was taken up by another does nothing") {
  AgentFixture agent;
  const auto is_late = [](const Transactions::Reply& reply) {
    const auto* refusal = std::get_if<Refusal>(&reply);
    return refusal != nullptr && refusal->code == "superseded";
  };
  Order order;
  order.transaction = "r/t";
  order.turn = agent.transactions->greet("r");
  auto plan = agent.transactions->plan({.releases = {agent.release("1.0.0")}});
  const auto successor = agent.transactions->greet("r");
  CHECK(std::get<Refusal>(agent.transactions->renew("r/t", 1min, successor)).code ==
        "no-transaction");
  CHECK(is_late(agent.transactions->apply(order, plan, nullptr, 1min, {})));
  CHECK(is_late(agent.transactions->apply_at_once(order, plan, {})));
  CHECK(agent.gateway.calls.empty());

  REQUIRE(agent.result(agent.apply("1.0.0", "r/t")) == Result::Trial);
  CHECK(is_late(agent.transactions->confirm("r/t", {}, order.turn)));
  CHECK(is_late(agent.transactions->revert("r/t", "", {}, order.turn)));
  CHECK(is_late(agent.transactions->renew("r/t", 1min, order.turn)));
  CHECK(agent.result(agent.transactions->renew("r/t", 1min, successor)) == Result::Trial);
  CHECK(agent.result(agent.transactions->confirm("r/t", {}, successor)) == Result::Committed);
}
