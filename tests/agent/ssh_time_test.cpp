// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_time.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

namespace kongfleet::agent::test {

TEST_CASE("times are read in all forms that ssh-keygen(1) has") {
  CHECK(parse_ssh_time("20260601Z") == std::time_t{1780272000});
  CHECK(parse_ssh_time("202606011200Z") == std::time_t{1780315200});
  CHECK(parse_ssh_time("20260601120001z") == std::time_t{1780315201});
  CHECK(parse_ssh_time("20260601120001UTC") == std::time_t{1780315201});
  CHECK(parse_ssh_time("20240229Z"));
  CHECK(parse_ssh_time("99991231235959Z"));
}

TEST_CASE("a time without a zone is this host's standard time, in summer too") {
  ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  CHECK(parse_ssh_time("20260101") == std::time_t{1767222000});
  CHECK(parse_ssh_time("20260601130000") == std::time_t{1780315200});
  ::unsetenv("TZ");
}

TEST_CASE("what is in no calendar is no time") {
  for (const auto* bad : {"",
                          "Z",
                          "UTC",
                          "2026",
                          "2026060Z",
                          "202606011",
                          "20260601120",
                          "2026060112000",
                          "20261301Z",
                          "20260001Z",
                          "20260600Z",
                          "20260230Z",
                          "20250229Z",
                          "202606012400Z",
                          "202606011260Z",
                          "20260601120060Z",
                          "2026-06-01",
                          "+2026060Z",
                          " 2026060Z",
                          "20260601 Z",
                          "20260601ZZ",
                          "19700101Z",
                          "19691231Z",
                          "00000101Z",
                          "20260601T1200Z",
                          "202606010000000Z"})
    CHECK_FALSE(parse_ssh_time(bad));
}

}  // namespace kongfleet::agent::test
