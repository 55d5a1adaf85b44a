// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_pattern.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace kongfleet::agent::test {

TEST_CASE("a pattern list means what ssh_config(5) says") {
  CHECK(pattern_list_matches("git", "git"));
  CHECK(pattern_list_matches("git", "file,git"));
  CHECK(pattern_list_matches("git", "g*"));
  CHECK(pattern_list_matches("git", "*t"));
  CHECK(pattern_list_matches("git", "?i?"));
  CHECK(pattern_list_matches("git", "***"));
  CHECK(pattern_list_matches("aXbXc", "a*b*c"));
  CHECK(pattern_list_matches("abcbcd", "a*bcd"));
  CHECK(pattern_list_matches("", "*"));
  CHECK_FALSE(pattern_list_matches("git", ""));
  CHECK_FALSE(pattern_list_matches("git", "Git"));
  CHECK_FALSE(pattern_list_matches("git", "gi"));
  CHECK_FALSE(pattern_list_matches("git", "git?"));
  CHECK_FALSE(pattern_list_matches("git", "*,!git"));
  CHECK_FALSE(pattern_list_matches("git", "!g*,git"));
  CHECK_FALSE(pattern_list_matches("git", "!file"));
  CHECK(pattern_list_matches("git", "!file,*"));
}

TEST_CASE("a pattern made to take long doesn't") {
  std::string stars;
  for (int i = 0; i < 400; ++i) stars += "*a";
  CHECK_FALSE(pattern_list_matches(std::string(4000, 'a'), stars + "b"));
}

TEST_CASE("principals name somebody") {
  for (const auto* good : {"alice", "*@example.com", "a?", "alice,!bob", "\xc3\xa4*", "1"})
    CHECK(why_bad_principals(good) == "");
  for (const auto* anybody : {"*", "alice,*", "*,alice", "?", "??", "*@*", "*.*", "*-*", "*,!bob"})
    CHECK(why_bad_principals(anybody) == "a pattern takes anybody");
  for (const auto* empty : {"", ",", "alice,", ",alice", "a,,b", "!", "a,!"})
    CHECK(why_bad_principals(empty) == "a name is empty");
  CHECK(why_bad_principals("!bob") == "it only says who is not meant");
}

}  // namespace kongfleet::agent::test
