// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/command_words.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a command is split at spaces, quotes keep together") {
  CHECK(split_command("a  b\tc") == Words{"a", "b", "c"});
  CHECK(split_command(R"(run 'one $word' "two \" \x" th"ree" '')") ==
        Words{"run", "one $word", R"(two " \x)", "three", ""});
  CHECK(split_command(R"(a\ b \$c)") == Words{"a b", "$c"});
}

TEST_CASE("what only a shell would understand is refused, not passed on") {
  for (const char c : std::string("|&;<>()$`*?#")) {
    INFO(c);
    CHECK(message_of([&] {
            split_command(std::string("a ") + c + "b");
          }).starts_with(std::string("found '") + c + "', and no shell reads this command"));
  }
  CHECK(message_of([] { split_command("a 'b"); }) == "the quote ' is not closed");
  CHECK(message_of([] { split_command("  "); }) == "found no program to run");
}

}  // namespace kongfleet::controller
