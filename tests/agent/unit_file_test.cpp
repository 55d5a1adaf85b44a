// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/unit_file.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>

namespace kongfleet::agent::test {
namespace {

std::vector<std::string> texts(std::string_view value) {
  std::vector<std::string> words;
  for (const auto& word : words_of(value)) words.push_back(word.text);
  return words;
}

std::map<std::string, std::string> values_of(std::string_view text) {
  std::map<std::string, std::string> values;
  for (const auto& entry : unit_assignments(parse_unit_file(text)))
    values[entry.name] = entry.value;
  return values;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a unit file is read into settings with section and line") {
  const auto settings = parse_unit_file(
      "\xEF\xBB\xBF# head\nLost=x\n[Unit]\nAfter = a.target \n\n[Service]\r\nUser=kong\r\nno "
      "setting\n"
      "ExecStart=/a \\\n  ; within\n  -b\nLast=\\");
  REQUIRE(settings.size() == 4);
  CHECK(settings[0].section == "Unit");
  CHECK(settings[0].key == "After");
  CHECK(settings[0].value == "a.target");
  CHECK(settings[0].line == 4);
  CHECK(settings[1].value == "kong");
  CHECK(settings[2].value == "/a    -b");
  CHECK(settings[2].line == 9);
  CHECK(settings[2].last_line == 11);
  CHECK(settings[2].begin == 0);
  CHECK(settings[3].value == "");
  CHECK(settings[3].begin == 0);
}

TEST_CASE("what stands below a section's head that nothing closes is lost") {
  CHECK(parse_unit_file("[S]\nA=x\n[Broken\nB=y\n[T]\nC=z\n").size() == 2);
}

TEST_CASE("a backslash at the end of a line joins, two of them do not") {
  CHECK(parse_unit_file("[S]\nA=x\\\\\nB=y\n").size() == 2);
  CHECK(parse_unit_file("[S]\nA=x\\\\\\\nB=y\n").size() == 1);
}

TEST_CASE("words lose quotes and C-style escapes") {
  CHECK(texts(R"(a "b c" d="e f" 'g"h' i\x41j "k\tl" "m\"n" o\sp \101)") ==
        Words{"a", "b c", "d=e f", "g\"h", "iAj", "k\tl", "m\"n", "o p", "A"});
  CHECK(texts("  ").empty());
  CHECK(texts("\"\"") == Words{""});
}

TEST_CASE("what stands behind a mistake in a line is lost") {
  CHECK(texts("a \"b c") == Words{"a"});
  CHECK(texts("a b\\q c") == Words{"a"});
  CHECK(texts("a b\\") == Words{"a"});
  CHECK(texts("a \\x4 c") == Words{"a"});
  CHECK(texts("a \\000 c") == Words{"a"});
  CHECK(texts("a \\777 c") == Words{"a"});
  CHECK(texts("a \\x4") == Words{"a"});
}

// Seen: what a service of systemd 252 got of such a unit.
TEST_CASE("a unit's Environment= says what systemd makes of it") {
  const auto values = values_of(
      "[Unit]\nEnvironment=NO=here\n[Service]\n"
      "Environment=A1=plain \"A2=two words\" A3=\"mid quoted\" 'A4=single' A5=a\\x41b "
      "\"A6=tab\\there\" A9=a;b#c 1BAD=x A_10=\n"
      "Environment=B1=one \\\n  B2=two\n# comment \\\nEnvironment=B3=after-comment\n"
      "Environment=B4=ok \"B5=unclosed B6=lost\nEnvironment=B7=x \\\n# within\n B8=y\n"
      "Environment=\"KONG_LUA_PACKAGE_PATH=/a/?.lua;;\" export KONG_PLUGINS=p\n");
  const std::map<std::string, std::string> seen{{"A1", "plain"},
                                                {"A2", "two words"},
                                                {"A3", "mid quoted"},
                                                {"A4", "single"},
                                                {"A5", "aAb"},
                                                {"A6", "tab\there"},
                                                {"A9", "a;b#c"},
                                                {"A_10", ""},
                                                {"B1", "one"},
                                                {"B2", "two"},
                                                {"B3", "after-comment"},
                                                {"B4", "ok"},
                                                {"B7", "x"},
                                                {"B8", "y"},
                                                {"KONG_LUA_PACKAGE_PATH", "/a/?.lua;;"},
                                                {"KONG_PLUGINS", "p"}};
  CHECK(values == seen);
}

TEST_CASE("an empty Environment= forgets what stands above it in the file") {
  CHECK(values_of("[Service]\nEnvironment=A=1 B=2\nEnvironment=\nEnvironment=B=3\n") ==
        std::map<std::string, std::string>{{"B", "3"}});
}

TEST_CASE("a value in a unit has a place when it stands there literally") {
  const auto place = [](const std::string& line) -> std::string {
    const std::string text = "[Service]\nEnvironment=X=1 " + line + " Y=2\n";
    for (const auto& entry : unit_assignments(parse_unit_file(text))) {
      if (entry.name != "A") continue;
      if (!entry.place) return "-";
      const auto& at = *entry.place;
      CHECK(text.substr(at.begin, at.end - at.begin) == entry.value);
      return text.substr(at.begin, at.end - at.begin) + " in " +
             (at.quote == 0 ? "nothing" : std::string(1, at.quote));
    }
    return "no A";
  };
  CHECK(place("A=b") == "b in nothing");
  CHECK(place("A=") == " in nothing");
  CHECK(place("\"A=b c\"") == "b c in \"");
  CHECK(place("'A=b'") == "b in '");
  CHECK(place("A=\"b c\"") == "b c in \"");
  CHECK(place("A='b'") == "b in '");
  CHECK(place("A=b\"c\"") == "-");
  CHECK(place("\"A\"=b") == "-");
  CHECK(place("A=b\\x41") == "-");
  CHECK(place("A=\\\n b") == "-");
  CHECK(place("\\\n A=b") == "-");
}

}  // namespace kongfleet::agent::test
