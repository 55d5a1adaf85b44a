// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/managed_file.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace kongfleet::agent::test {

TEST_CASE("each kind of configuration has a name in the journal, by which it is found again") {
  for (const auto kind : {ConfigurationKind::KongConf, ConfigurationKind::UnitFile,
                          ConfigurationKind::EnvironmentFile})
    CHECK(kind_of(kind_name(kind)) == kind);
  CHECK_FALSE(kind_of("registry"));
}

TEST_CASE("a kong.conf that Kong could not read has no values") {
  const auto read = [](std::string_view text) {
    return read_values(text, ConfigurationKind::KongConf, ConfDialect::From32);
  };
  const auto good = read("plugins = a\n");
  REQUIRE(std::holds_alternative<KeyValues>(good));
  CHECK(std::get<KeyValues>(good).plugins == "a");
  CHECK(std::get<KeyValues>(good).plugins_line == 1);
  CHECK(std::get<KeyValues>(read("x = 1\n")).plugins_line == 0);
  CHECK(std::holds_alternative<ConfProblem>(read(std::string(std::size_t{2} << 20, ' '))));
}

}  // namespace kongfleet::agent::test
