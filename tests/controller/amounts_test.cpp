// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/amounts.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::controller {

namespace {

using Ends = std::vector<std::size_t>;

Amount hosts(std::uint32_t value) { return {Amount::Kind::Count, value}; }
Amount percent(std::uint32_t value) { return {Amount::Kind::Percent, value}; }

}  // namespace

TEST_CASE("a share is a whole percentage from 1 to 100") {
  CHECK(parse_share("1%") == percent(1));
  CHECK(parse_share("100%") == percent(100));
  for (const auto* text : {"", "%", "0%", "101%", "10", "1.5%", " 10%", "10 %", "-1%", "+1%",
                           "010%", "99999999999%", "10%%"}) {
    INFO(text);
    CHECK_FALSE(parse_share(text));
  }
}

TEST_CASE("a budget is rounded down, but lets one host move") {
  CHECK(at_most(percent(10), 25) == 2);
  CHECK(at_most(percent(10), 3) == 1);
  CHECK(at_most(percent(100), 7) == 7);
  CHECK(at_most(hosts(5), 3) == 3);
  CHECK(at_most(hosts(2), 30) == 2);
  CHECK(at_most(percent(10), 0) == 0);
}

TEST_CASE("waves are cumulative, rounded up, and end with the last host") {
  const std::vector<Amount> usual = {hosts(1), percent(10), percent(50), percent(100)};
  CHECK(wave_ends(usual, 20) == Ends{1, 2, 10, 20});
  CHECK(wave_ends(usual, 15) == Ends{1, 2, 8, 15});
  CHECK(wave_ends(usual, 3) == Ends{1, 2, 3});
  CHECK(wave_ends(usual, 1) == Ends{1});
  CHECK(wave_ends(usual, 0).empty());
}

TEST_CASE("hosts that no wave names make up one more wave") {
  CHECK(wave_ends({hosts(1)}, 5) == Ends{1, 5});
  CHECK(wave_ends({}, 5) == Ends{5});
}

TEST_CASE("whatever the waves, their ends rise strictly to the number of hosts") {
  const std::vector<std::vector<Amount>> cases = {
      {hosts(5), percent(10), hosts(7)}, {percent(1), percent(2), percent(3)}, {hosts(1000)}};
  for (const auto& waves : cases) {
    for (std::size_t count = 1; count <= 200; ++count) {
      const auto ends = wave_ends(waves, count);
      REQUIRE(ends.back() == count);
      for (std::size_t i = 1; i < ends.size(); ++i) REQUIRE(ends[i - 1] < ends[i]);
      REQUIRE(ends.front() > 0);
    }
  }
}

}  // namespace kongfleet::controller
