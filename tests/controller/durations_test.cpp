// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/durations.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::controller {

using namespace std::chrono_literals;

TEST_CASE("a duration is numbers with falling units") {
  CHECK(parse_duration("60s") == 60s);
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("2d1ms") == 48h + 1ms);
  CHECK(parse_duration("0s") == 0ms);
  CHECK(parse_duration("365d") == 8760h);
}

TEST_CASE("anything else is no duration") {
  for (const auto* text :
       {"", "60", "s", "60 s", " 60s", "-1s", "+1s", "1.5s", "1s1m", "1s1s", "1x", "1S", "5min",
        "366d", "365d1ms", "99999999999999999999s", "9223372036854775807ms", "1h 30m"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("a duration's text reads back as the same duration") {
  CHECK(text_of(90min) == "1h30m");
  CHECK(text_of(500ms) == "500ms");
  CHECK(text_of(0ms) == "0s");
  for (const auto duration : {1ms, 999ms, 1000ms, 86'399'999ms, 31'536'000'000ms}) {
    CHECK(parse_duration(text_of(duration)) == duration);
  }
}

}  // namespace kongfleet::controller
