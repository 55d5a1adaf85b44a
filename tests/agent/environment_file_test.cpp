// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/environment_file.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>

namespace kongfleet::agent::test {
namespace {

std::map<std::string, std::string> values_of(std::string_view text) {
  std::map<std::string, std::string> values;
  for (const auto& entry : parse_environment_file(text)) values[entry.name] = entry.value;
  return values;
}

/// What stands at the place of the only assignment; "-" where it has none.
std::string at_place(std::string_view text) {
  const auto found = parse_environment_file(text);
  REQUIRE(found.size() == 1);
  if (!found[0].place) return "-";
  const auto& place = *found[0].place;
  CHECK(text.substr(place.begin, place.end - place.begin) == found[0].value);
  return std::string(text.substr(place.begin, place.end - place.begin)) + " in " +
         (place.quote == 0 ? "nothing" : std::string(1, place.quote));
}

}  // namespace

// Seen: what a service of systemd 252 got of such a file.
TEST_CASE("an environment file says what systemd makes of it") {
  const auto values = values_of(
      "C1=plain\nC2 = spaced  value  \nexport C3=exported\nC4=\"a\" \"b\"\nC5=a\"b\"\n"
      "C6='x y' z\nC7=a\\\nb\nC8=\"a\\$b\\c\\\nd\"\nC9=v # note\n  C11=indented\nC12=\n"
      "C13=\"multi\nline\"\nC14=cr\r\nC15=x\\ \nC16=\" padded \"\n;D1=no\n# D2=no\nC17 =x=y\n"
      "1C=bad\nno assignment\nC18=\"a\"b\nC19=/a/?.lua;/b/?.lua;;\nC20=%n\nc21=lower\nlast=one");
  const std::map<std::string, std::string> seen{{"C1", "plain"},
                                                {"C2", "spaced  value"},
                                                {"C4", "ab"},
                                                {"C5", "a\"b\""},
                                                {"C6", "x yz"},
                                                {"C7", "ab"},
                                                {"C8", "a$b\\cd"},
                                                {"C9", "v # note"},
                                                {"C11", "indented"},
                                                {"C12", ""},
                                                {"C13", "multi\nline"},
                                                {"C14", "cr"},
                                                {"C15", "x "},
                                                {"C16", " padded "},
                                                {"C17", "x=y"},
                                                {"C18", "ab"},
                                                {"C19", "/a/?.lua;/b/?.lua;;"},
                                                {"C20", "%n"},
                                                {"c21", "lower"},
                                                {"last", "one"}};
  CHECK(values == seen);
}

TEST_CASE("a line of an environment file below a comment that ends in a backslash is doubtful") {
  const auto found =
      parse_environment_file("# a \\\nA=1\nB=2\n# b \\\r\nC=3\n# c \\\n\nD=4\n# \\x\nE=5");
  REQUIRE(found.size() == 5);
  CHECK(found[0].after_comment);
  CHECK_FALSE(found[1].after_comment);
  CHECK(found[2].after_comment);
  CHECK_FALSE(found[3].after_comment);
  CHECK_FALSE(found[4].after_comment);
}

TEST_CASE("an assignment of an environment file knows its line") {
  const std::string text = "# one\n\nA=\"x\ny\"\nB=2\r\nC=3";
  const auto found = parse_environment_file(text);
  REQUIRE(found.size() == 3);
  CHECK(found[0].line == 3);
  CHECK(text[found[0].line_end - 1] == '"');
  CHECK(found[1].line == 5);
  CHECK(text[found[1].line_end] == '\n');
  CHECK(found[2].line == 6);
  CHECK(found[2].line_end == text.size());
}

TEST_CASE("a value of an environment file has a place when it stands there literally") {
  CHECK(at_place("A=b,c \n") == "b,c in nothing");
  CHECK(at_place("A = b c") == "b c in nothing");
  CHECK(at_place("A=\n") == " in nothing");
  CHECK(at_place("A=   \n") == " in nothing");
  CHECK(at_place("A=\"b c\"\r\n") == "b c in \"");
  CHECK(at_place("A='b' \n") == "b in '");
  CHECK(at_place("A=''") == " in '");
  CHECK(at_place("A=b\"c\"") == "b\"c\" in nothing");
  CHECK(at_place("A=\"b\"c") == "-");
  CHECK(at_place("A='b' 'c'") == "-");
  CHECK(at_place("A=b\\\nc") == "-");
  CHECK(at_place("A=b\\ c") == "-");
  CHECK(at_place("A=\"b") == "-");
}

TEST_CASE("any bytes can be read as an environment file") {
  for (const auto* text :
       {"", "=", "=x", "A", "A\\", "A=\\", "A='", "A=\"\\", "#\\", "\n\r\n", "A=\\\n"})
    CHECK(parse_environment_file(text).size() <= 1);
  const std::string zero("A=1\0B=2\n", 8);
  CHECK(parse_environment_file(zero).size() == 1);
}

TEST_CASE("a variable's name is letters, digits and '_', and begins with no digit") {
  for (const auto* name : {"A", "_", "a9", "Zz_0"}) CHECK(is_variable_name(name));
  for (const auto* name : {"", "9", "a-", "a:", "a{", "{", "@", "a b"})
    CHECK_FALSE(is_variable_name(name));
}

TEST_CASE("a value between two escapes has no place, though its letters stand there") {
  CHECK(at_place("A=\\b\\") == "-");
}

TEST_CASE("any value can be written, and is read as it was") {
  for (const std::string value : {"", "a b", " \t", "\"'\\`$x", "\\", "a\nB=2\n#c", "#;="}) {
    const auto read = parse_environment_file(environment_file_line("A", value));
    REQUIRE(read.size() == 1);
    CHECK(read[0].name == "A");
    CHECK(read[0].value == value);
  }
}

}  // namespace kongfleet::agent::test
