// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

WireCase proposing(const std::string& name, const std::string& threat, const std::string& text,
                   const std::string& wanted) {
  return {name, threat, wanted, [text](Caller& caller) {
            caller.greet();
            return caller.ask(proposal({text}));
          }};
}

struct BadPath {
  std::string name, path, wanted;
};

std::vector<BadPath> leaving() {
  return {{"up", "../x", "has a component '..'"},
          {"up and down", "a/../b", "has a component '..'"},
          {"up at the end", "a/..", "has a component '..'"},
          {"only up", "..", "has a component '..'"},
          {"absolute", "/etc/passwd", "is absolute"},
          {"the root", "/", "is absolute"},
          {"here", "./a", "has a component '.'"},
          {"here in the midst", "a/./b", "has a component '.'"},
          {"nothing between slashes", "a//b", "has an empty component"},
          {"a slash at the end", "a/", "has an empty component"},
          {"no path at all", "", "is empty"},
          {"a backslash", "a\\b", "has a character other than"},
          {"up with a backslash", "..\\x", "has a hidden component"},
          {"hidden", ".bashrc", "has a hidden component"},
          {"hidden directory", "a/.ssh/b", "has a hidden component"},
          {"our own directory", ".kongfleet/greet", "has a hidden component"},
          {"somebody's home", "~root/x", "has a character other than"}};
}

std::vector<BadPath> misleading() {
  std::vector<BadPath> cases = {
      {"an option", "-rf", "begins with '-'"},
      {"an option below", "a/--help", "begins with '-'"},
      {"a name of 101 bytes", std::string(101, 'a'), "longer than 100 bytes"},
      {"a path of 256 bytes",
       std::string(85, 'a') + "/" + std::string(85, 'a') + "/" + std::string(84, 'a'),
       "is longer than 255 bytes"},
      {"17 deep", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", "more than 16 directories deep"},
      {"a path of a megabyte", std::string(1U << 20U, 'a'), "is longer than 255 bytes"},
  };
  const std::vector<std::pair<std::string, std::string>> bytes = {
      {"NUL", "\0"s},
      {"a carriage return", "\r"},
      {"a tab", "\t"},
      {"a bell", "\a"},
      {"an escape sequence", "\x1b[31m"},
      {"a deleted byte", "\x7f"},
      {"a blank", " "},
      {"a lone byte of UTF-8", "\xff"},
      {"an overlong slash", "\xc0\xaf"},
      {"a surrogate", "\xed\xa0\x80"},
      {"a bidirectional override", "\xe2\x80\xae"},
      {"a zero-width blank", "\xe2\x80\x8b"},
      {"a byte order mark", "\xef\xbb\xbf"},
      {"a fullwidth slash", "\xef\xbc\x8f"},
      {"a drive", "C:"},
      {"a wildcard", "*"},
      {"a question mark", "?"},
      {"a semicolon, which parts a Lua path", ";"},
      {"a quote", "'"},
      {"a double quote", "\""},
      {"a dollar", "$(id)"},
      {"a backtick", "`id`"},
      {"a pipe", "|"},
      {"a comma, which parts a list", ","},
      {"a number sign", "#"},
      {"an equals sign", "="},
      {"a percent sign", "%n"},
      {"a vault's reference", "{vault:"},
  };
  for (const auto& [name, piece] : bytes)
    cases.push_back({name, "a" + piece + "b.lua", "has a character other than"});
  return cases;
}

WireCases modes() {
  WireCases cases;
  for (const char* mode : {"4755", "2755", "6755", "1777", "0777", "0666", "0600", "0000", "0640",
                           "120644", "100644", "0o644", "644", "-644", "0644x"}) {
    cases.push_back(proposing("mode "s + mode, "T10", with_last(file_line("z.lua", mode)),
                              "the mode is neither 0644 nor 0755"));
  }
  for (const char* kind : {"symlink", "hardlink", "dir", "fifo", "socket", "device", "File", ""}) {
    const auto line = kind + file_line("z.lua").substr(4);
    cases.push_back(proposing("an entry that is a '"s + kind + "'", "T10", with_last(line),
                              "line 6: expected 'file …', found '"s + kind));
  }
  return cases;
}

WireCases collisions() {
  const std::string unsorted = "files are not sorted by path, or one occurs twice";
  const std::string twins = "occurs twice, or differs only in case";
  const std::string both = "is both a file and a directory";
  const std::string other = "has a character other than";
  const auto first = [](const std::string& a, const std::string& b) {
    return with_first(file_line(a) + file_line(b));
  };
  return {
      proposing("a path twice", "T12", first("a.lua", "a.lua"), unsorted),
      proposing("paths that are not sorted", "T12", first("b.lua", "a.lua"), unsorted),
      proposing("case twins", "T12", first("a/B.lua", "a/b.lua"), twins),
      proposing("twin directories", "T12", first("A/x.lua", "a/x.lua"), twins),
      proposing("a twin of the handler", "T12",
                with_first(file_line("kong/plugins/greet/Handler.lua")), twins),
      proposing("a file that is a directory too", "T12", first("a", "a/b"), both),
      proposing("the same in another case", "T12", first("A", "a/b"), both),
      proposing("a file 'kong'", "T12", with_first(file_line("kong")), both),
      proposing("a Kelvin sign for a K", "T12", with_last(file_line("\xe2\x84\xaa.lua")), other),
      proposing("an accent of its own", "T12", with_last(file_line("e\xcc\x81.lua")), other),
      proposing("a dotless i", "T12", with_last(file_line("\xc4\xb1.lua")), other),
  };
}

void append(WireCases& to, WireCases from) {
  for (auto& each : from) to.push_back(std::move(each));
}

}  // namespace

WireCases path_cases() {
  WireCases cases;
  for (const auto& [name, path, wanted] : leaving())
    cases.push_back(proposing("path: " + name, "T9", with_last(file_line(path)), wanted));
  for (const auto& [name, path, wanted] : misleading())
    cases.push_back(proposing("path: " + name, "T11", with_last(file_line(path)), wanted));
  cases.push_back(proposing("path: a line end", "T11", with_last(file_line("z\nb.lua")),
                            "line 7: expected 'file …', found 'b.lua'"));
  append(cases, modes());
  append(cases, collisions());
  return cases;
}

}  // namespace kongfleet::hostile
