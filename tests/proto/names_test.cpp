// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/names.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet;

TEST_CASE("a plugin's name is what kong.conf can hold and nothing can misread") {
  for (const char* good : {"my-plugin", "a", "0auth", "x_y-z", "jwt2"})
    CHECK(PluginName::parse(good));
  for (const char* bad :
       {"", "My", "-x", "_x", "a.b", "a/b", "a b", "a,b", "a#", "ä", "a\n", ".."}) {
    CHECK_FALSE(PluginName::parse(bad));
  }
  CHECK(PluginName::parse(std::string(64, 'a')));
  CHECK_FALSE(PluginName::parse(std::string(65, 'a')));
}

TEST_CASE("a version holds no path, no option and no blank") {
  for (const char* good : {"1.0.0", "2026-11-23", "1.0.0-rc1+build.7", "v3"})
    CHECK(Version::parse(good));
  for (const char* bad : {"", ".1", "-1", "1/2", "1 2", "1\n", "1%"})
    CHECK_FALSE(Version::parse(bad));
}

TEST_CASE("a path stays inside its tree") {
  CHECK(RelativePath::parse("kong/plugins/my-plugin/handler.lua"));
  CHECK(RelativePath::parse("a/b.c/d_e-f"));
  const std::pair<const char*, const char*> bad[] = {
      {"", "is empty"},
      {"/etc/passwd", "is absolute"},
      {"a//b", "has an empty component"},
      {"a/", "has an empty component"},
      {"../x", "has a component '..'"},
      {"a/./b", "has a component '.'"},
      {"a/.hidden", "has a hidden component '.hidden'"},
      {"-rf", "has a component that begins with '-'"},
      {"a\\b", "has a character other than letters, digits, '.', '_' and '-'"},
      {"a b", "has a character other than letters, digits, '.', '_' and '-'"},
      {"a\nb", "has a character other than letters, digits, '.', '_' and '-'"},
  };
  for (const auto& [path, why] : bad) {
    CHECK_FALSE(RelativePath::parse(path));
    CHECK(why_bad_path(path) == why);
  }
  CHECK_FALSE(RelativePath::parse(std::string(101, 'a')));
  std::string deep = "a";
  for (int i = 0; i < 15; ++i) deep += "/a";
  CHECK(RelativePath::parse(deep));
  CHECK_FALSE(RelativePath::parse(deep + "/a"));
}

TEST_CASE("what comes from a host can't speak to the terminal") {
  CHECK(printable("plain text, ümlaut and 漢字") == "plain text, ümlaut and 漢字");
  CHECK(printable("\x1b[31mred\x07") == "\\x1b[31mred\\x07");
  CHECK(printable("two\nlines\r") == "two\\nlines\\x0d");
  CHECK(printable("tab\there") == "tab here");
  CHECK(printable("\xe2\x80\xae"
                  "evil") == "\\xe2\\x80\\xaeevil");  // right-to-left override
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\xc2\\x9b31m");  // C1 control sequence introducer
  CHECK(printable("bad \xff utf8 \xc3") == "bad \\xff utf8 \\xc3");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");           // overlong
  // What cannot be seen: fillers, variation selectors, annotations.
  CHECK(printable("\xe3\x85\xa4\xef\xb8\x8f\xe1\xa0\x8e") ==
        "\\xe3\\x85\\xa4\\xef\\xb8\\x8f\\xe1\\xa0\\x8e");
  CHECK(printable("abcdef", 3) == "abc…");
}
