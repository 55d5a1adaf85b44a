// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/turns.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet::agent;

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

TEST_CASE("of many rollouts the latest are known") {
  Turns turns;
  const auto forgotten = turns.take("0");
  turns.take("0");
  Turn last;
  for (int i = 1; i <= 64; ++i) {
    last = turns.take(std::to_string(i));
    turns.take(std::to_string(i));
  }
  CHECK_FALSE(turns.is_over(forgotten));
  CHECK(turns.is_over(last));
}
