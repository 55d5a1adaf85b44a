// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/lua_number.hpp"

#include <catch2/catch.hpp>

#include <utility>
#include <vector>

namespace kongfleet::agent {

TEST_CASE("numbers are what LuaJIT takes for numbers, and print as it prints them") {
  // Left: what is read; right: print(tonumber(left)) of LuaJIT 2.1.
  const std::vector<std::pair<std::string, std::string>> numbers = {
      {"0", "0"},       {"-0", "-0"},           {"007", "7"},
      {"+1", "1"},      {" 12\t\r", "12"},      {"1.", "1"},
      {".5", "0.5"},    {"1e5", "100000"},      {"1E+2", "100"},
      {"1e-2", "0.01"}, {"1e400", "inf"},       {"-1e400", "-inf"},
      {"1e-400", "0"},  {"1e15", "1e+15"},      {"99999999999999999999", "1e+20"},
      {"0x10", "16"},   {"0X1P4", "16"},        {"0x1p4", "16"},
      {"0x.8", "0.5"},  {"0xffp-4", "15.9375"}, {"0b11", "3"},
      {"0B101", "5"},   {"-0b1", "-1"},         {"0b0", "0"},
      {"inf", "inf"},   {"-Infinity", "-inf"},  {"NaN", "nan"},
      {"-nan", "nan"},  {"3.14159", "3.14159"}};
  for (const auto& [text, printed] : numbers) {
    CAPTURE(text);
    CHECK(lua_number(text) == printed);
  }
  CHECK(lua_number("0b" + std::string(64, '1')) == "1.844674407371e+19");
}

TEST_CASE("what is no number to LuaJIT is none here") {
  for (const std::string text :
       {"",      " ",     "+",     "- 1",     "--1",   ".",       "+.",   "e5",     "1e",
        "1e+",   "1e5x",  "1.2.3", "0x",      "0x.",   "0xg",     "0x1p", "0b",     "0b.",
        "0b2",   "0b1.1", "0b1.",  "0b0.0",   "0b1e5", "0b1.0.0", "1LL",  "1ULL",   "1i",
        "1_000", "10kB",  "10 kB", "infinit", "nano",  "1,2",     "1 2",  "0x1.8.1"}) {
    CAPTURE(text);
    CHECK(lua_number(text) == std::nullopt);
  }
  CHECK(lua_number("0b" + std::string(65, '1')) == std::nullopt);
  CHECK(lua_number(std::string("1\0", 2)) == std::nullopt);
}

}  // namespace kongfleet::agent
