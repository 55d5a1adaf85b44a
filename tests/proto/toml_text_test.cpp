// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/toml_text.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet;

TEST_CASE("letters beyond ASCII are for strings and comments of TOML") {
  for (const char* good : {"", "a = 1\n", "a = \"é\" # ü\nb = 'ñ'\n",
                           "a = \"\"\"\né\n\"\" é\"\"\"\n", "a = '''é\n' é'''\n", "a = \"\\\"é\"\n",
                           "\xEF\xBB\xBF[a]\n", "\"é\" = 1\n", "a = \"é", "a = '\\'\n# é"}) {
    INFO(good);
    CHECK_FALSE(stray_character(good));
  }
  CHECK(stray_character("a = 1\né = 2\n") == TextPlace{2, 1});
  CHECK(stray_character("a = \"x\"\n[b.\xE2\x80\x8B]\n") == TextPlace{2, 4});
  CHECK(stray_character("a = \"unfinished\nb = é\n") == TextPlace{2, 5});
  CHECK(stray_character("a = '\\' é\n") == TextPlace{1, 9});
  CHECK(stray_character("a = \"\"\"x\n\"\"\" é\n") == TextPlace{2, 5});
}
