// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_conf_edit.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace kongfleet::agent {
namespace {

const std::string root = "/g";
const Change deploy{root, "/g/1", {}, {"foo"}};
const Change to_baseline{root, "", {"foo"}, {}};

ConfProblem refusal(const std::string& text, const Change& change = deploy,
                    ConfDialect dialect = ConfDialect::From32) {
  const auto result = edit(text, dialect, change);
  if (const auto* edited = std::get_if<Edited>(&result)) {
    UNSCOPED_INFO("accepted: " << edited->text);
    return {0, "accepted"};
  }
  return std::get<ConfProblem>(result);
}

/// A file, and the line and a part of the reason for which it is refused.
struct Row {
  std::string text;
  std::size_t line;
  std::string reason;
};

void check(const std::vector<Row>& rows, const std::vector<ConfDialect>& dialects,
           const Change& change = deploy) {
  for (const auto& row : rows) {
    for (const auto dialect : dialects) {
      CAPTURE(row.text, dialect == ConfDialect::Before32);
      const auto problem = refusal(row.text, change, dialect);
      CHECK(problem.line == row.line);
      CHECK_THAT(problem.reason, Catch::Contains(row.reason));
      CHECK_THAT(problem.reason, !Catch::StartsWith("internal"));
    }
  }
}

const std::vector<ConfDialect> both = {ConfDialect::Before32, ConfDialect::From32};

}  // namespace

TEST_CASE("a file that Kong does not read as it looks is refused with line and reason") {
  check({{"\xEF\xBB\xBF"
          "plugins = a\n",
          1, "byte order mark"},
         {std::string("a = b\nc = \0d\n", 13), 2, "NUL"},
         {"plugins = a\rlua_package_path = b\r", 1, "CR alone"},
         {"a = b\n[kong]\nplugins = a\n", 2, "[section]"},
         {"plugins = a\nlua_package_path = b\n[s]\n", 3, "[section]"},
         {"a = b\n[]\n", 2, "stops Kong's loader"},
         {std::string(KongConf::bytes_max + 1, '#'), 0, "bytes"}},
        both);
}

TEST_CASE("lines that are joined with ours are refused with the line to mend") {
  check({{"x = y \\\nplugins = a\n", 2, "line 1 ends with '\\'"},
         {"x = y # c \\\n# c\nlua-package-path = a\n", 3, "line 1 ends with '\\'"},
         {"plugins = a,\\\n b\n", 1, "several lines"},
         {"plugins = a\nlua_package_path = /a/?.lua;\\\n;/b\n/c/?.lua\n", 2, "several lines"},
         {"plugins = a\\\n", 1, "does not see plugins"},
         {"plugins = a\nx = y\\", 2, "nothing can be appended"},
         {"lua_package_path = a\nx = y \\\n\n# c\n", 2, "nothing can be appended"}},
        both);
  const auto kept = edit("plugins = a\nlua_package_path = b\nx = \\", ConfDialect::From32, deploy);
  CHECK(std::holds_alternative<Edited>(kept));  // nothing is appended, so the end does not matter
}

TEST_CASE("values of ours that say something else to Kong than to people are refused") {
  const std::vector<std::string> keys = {"plugins = ", "lua_package_path = "};
  const std::vector<std::pair<std::string, std::string>> values = {{"\"a\"", "quotes"},
                                                                   {"'a'", "quotes"},
                                                                   {"a_blank_b", "_blank_"},
                                                                   {"{vault://env/x}", "vault"},
                                                                   {"a\x01", "control"},
                                                                   {"a\x7f"
                                                                    "b",
                                                                    "control"},
                                                                   {"a\rb\n", "CR"},
                                                                   {"\ra", "CR"},
                                                                   {"a # b\r\r\n", "CR"},
                                                                   {"a\\b", "escape"},
                                                                   {"a\\ # c", "escape"},
                                                                   {"a\\\\#b", "escape"},
                                                                   {"007", "as it is written"},
                                                                   {"7", "as it is written"},
                                                                   {"5x kB", "as it is written"}};
  for (const auto& key : keys) {
    for (const auto& [value, reason] : values) check({{"\n" + key + value, 2, reason}}, both);
  }
  const std::vector<ConfDialect> before32 = {ConfDialect::Before32};
  for (const auto& key : keys) {
    check({{key + "# note", 1, "takes this comment for the value"},
           {key + "a\\#b", 1, "loses a '\\#'"},
           {key + "a,b#c", 1, "character before '#'"},
           {key + "a b#c", 1, "character before '#'"},
           {key + "a#c", 1, "character before '#'"}},
          before32);
  }
}

TEST_CASE("a list of plugins that Kong would not load is refused") {
  check({{"plugins = a,,b", 1, "empty"},
         {"plugins = a,", 1, "empty"},
         {"plugins = ,", 1, "empty"},
         {"plugins = off,a", 1, "begin with 'off'"},
         {"plugins = off,foo", 1, "begin with 'off'"}},
        both);
  check({{"\nplugins = foo,off,a", 2, "begin with 'off'"}}, both, to_baseline);
}

TEST_CASE("a result that Kong would read as something else is refused") {
  const Change number{root, "/g/1", {}, {"7"}};
  check({{"plugins =", 1, "as it is written"}}, both, number);
  const Change blank{root, "/g/1", {}, {"a_blank_b"}};
  check({{"", 0, "as it is written"}}, both, blank);
  check({{"plugins = a\nlua_package_path = /g/1/?.lua;7", 2, "as it is written"}}, both,
        to_baseline);
}

TEST_CASE("a file that would outgrow the limit is refused, not cut") {
  const std::string room(KongConf::bytes_max - 8, 'x');
  check({{"plugins=" + room, 1, "as it is written"}}, {ConfDialect::From32});
  check({{"#" + room + "\n", 0, "bytes"}}, {ConfDialect::From32});
}

TEST_CASE("a change that is wrong in itself is refused, whatever the file") {
  std::vector<Change> wrong;
  for (const std::string bad : {"", "g", "/", "/g/", "/g//h", "/g/./h", "/g/../h", "/g h", "/g;h",
                                "/g#", "/g'", "/\xC3\xBC"}) {
    wrong.push_back({bad, bad + "/1", {}, {}});
  }
  for (const std::string bad :
       {"g/1", "/g", "/g/", "/h/1", "/g1", "/g/1/", "/g/../h", "/g/1;x", "/g/?", "/g/a\\"}) {
    wrong.push_back({root, bad, {}, {}});
  }
  for (const std::string bad : {"", "A", "-a", "_a", "a b", "a,b", "a.b", "a/b", "a#", "a\n",
                                "bundled", "off", "\xC3\xBC"}) {
    wrong.push_back({root, "", {}, {bad}});
    wrong.push_back({root, "", {bad}, {}});
  }
  for (const auto& change : wrong) {
    const auto problem = refusal("", change);
    CAPTURE(change.generations_root, change.generation_dir, problem.reason);
    CHECK(problem.line == 0);
    CHECK_THAT(problem.reason, Catch::StartsWith("the "));
  }
}

}  // namespace kongfleet::agent
