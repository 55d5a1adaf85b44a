// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/editor/conf_generator.hpp"

#include <array>
#include <random>
#include <string_view>

namespace kongfleet::agent {
namespace {

using namespace std::string_view_literals;

const std::string root = "/var/lib/kongfleet/generations";

constexpr std::array plain_keys = {"prefix"sv, "pg_password"sv, "log_level"sv, "proxy_listen"sv};
constexpr std::array plain_values = {"/usr/local/kong"sv,
                                     "notice"sv,
                                     "0.0.0.0:8000, 0.0.0.0:8443 ssl"sv,
                                     "8"sv,
                                     ""sv,
                                     "a=b"sv,
                                     "p\\#w"sv,
                                     "12 kB"sv,
                                     "\"quoted\""sv,
                                     "x \\\n  y"sv};
constexpr std::array plain_paths = {"./?.lua;./?/init.lua;"sv, "/opt/a/?.lua;;"sv, ";;"sv, ""sv,
                                    "/a/?.lua;/b/?/init.lua"sv};
constexpr std::array plain_plugins = {"bundled"sv, "off"sv, "bundled, mine ,foo"sv,
                                      "foo"sv,     ""sv,    "rate-limiting,key-auth"sv};
constexpr std::array plain_comments = {""sv, "   # why"sv, "\t#why\\#"sv, " # a # b"sv};

constexpr std::array nasty_keys = {"plugins"sv,
                                   "lua_package_path"sv,
                                   "lua-package-path"sv,
                                   "lua.package.path"sv,
                                   "Plugins"sv,
                                   "pl ugins"sv,
                                   "export plugins"sv,
                                   ""sv,
                                   "k"sv,
                                   "k-1"sv,
                                   "[s"sv,
                                   "\xEF\xBB\xBFplugins"sv};
constexpr std::array nasty_equals = {"="sv, " = "sv,  "\t=\v "sv, " "sv,
                                     ":"sv, " == "sv, " =\r"sv,   " =\f"sv};
constexpr std::array nasty_bits = {"#"sv,
                                   "\\#"sv,
                                   "\\"sv,
                                   " \\ "sv,
                                   ","sv,
                                   ",,"sv,
                                   ";"sv,
                                   ";;"sv,
                                   "'"sv,
                                   "\""sv,
                                   "_blank_"sv,
                                   " kB"sv,
                                   "0x10"sv,
                                   "-7"sv,
                                   "1e3"sv,
                                   "nan"sv,
                                   "="sv,
                                   "["sv,
                                   "]"sv,
                                   "{vault:"sv,
                                   "off"sv,
                                   "bundled"sv,
                                   "foo"sv,
                                   "bar"sv,
                                   "/a/?.lua"sv,
                                   " "sv,
                                   "\t"sv,
                                   "\v"sv,
                                   "\r"sv,
                                   "\0"sv,
                                   "\x80"sv,
                                   "x"sv,
                                   "_"sv,
                                   "/?.lua"sv,
                                   "/?/init.lua"sv,
                                   "/var/lib/kongfleet/generations/000001-aa"sv,
                                   "/var/lib/kongfleet/generations"sv};
constexpr std::array nasty_ends = {"\n"sv,   "\n"sv,       "\n"sv, "\r\n"sv,
                                   "\\\n"sv, " \\ \r\n"sv, "\r"sv, "\n\n"sv};
constexpr std::array nasty_lines = {"[section]\n"sv, "[]\n"sv,         " [x]\n"sv,
                                    "; c \\\n"sv,    "# c\n"sv,        "\\\n"sv,
                                    "\n"sv,          "plugins: a\n"sv, "[][y]\n"sv};
constexpr std::string_view noise = "kv==\n\n\n#;\\\\,[]_.- \t\r\v\f01xeEpPbB+-'\"{}";

class Dice {
public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
  bool once_in(std::size_t times) { return below(times) == 0; }
  template <class List>
  auto one_of(const List& list) {
    return list[below(list.size())];
  }

private:
  std::mt19937_64 engine_;
};

std::string directory_of(Dice& dice) {
  return root + "/00000" + std::to_string(1 + dice.below(3)) + "-aa";
}

std::string plain_line(Dice& dice, std::string_view key, std::string_view value) {
  std::string line(key);
  line += dice.once_in(4) ? "=" : " = ";
  if (key == "lua_package_path" && dice.once_in(3)) {
    const auto old = directory_of(dice);
    line.append(old).append("/?.lua;").append(old).append("/?/init.lua;");
  }
  return line.append(value);
}

/// What people write: every one of these must be edited, whatever the dialect.
std::string plain_file(Dice& dice) {
  const std::string_view line_end = dice.once_in(3) ? "\r\n" : "\n";
  std::string text;
  for (auto lines = dice.below(12); lines > 0; --lines) {
    std::string line;
    const auto which = dice.below(8);
    // A comment behind nothing is a value before 3.2.
    bool comment = true;
    if (which == 0) {
      const auto value = dice.one_of(plain_plugins);
      comment = !value.empty();
      line = plain_line(dice, "plugins", value);
    } else if (which == 1) {
      const auto value = dice.one_of(plain_paths);
      line = plain_line(dice, "lua_package_path", value);
      comment = line.back() != '=' && line.back() != ' ';
    } else if (which < 6) {
      const auto key = dice.one_of(plain_keys);
      line = plain_line(dice, key, dice.one_of(plain_values));
    } else {
      line = which == 6 ? "# plugins = x \\" : "";
    }
    if (comment && which < 6) line += dice.one_of(plain_comments);
    text += line;
    text += line_end;
  }
  if (!text.empty() && dice.once_in(4)) text.erase(text.size() - line_end.size());
  return text;
}

std::string nasty_file(Dice& dice) {
  std::string text;
  for (auto lines = dice.below(9); lines > 0; --lines) {
    if (dice.once_in(7)) {
      text += dice.one_of(nasty_lines);
      continue;
    }
    if (dice.once_in(5)) text += dice.one_of(nasty_bits);
    text += dice.one_of(nasty_keys);
    text += dice.one_of(nasty_equals);
    for (auto bits = dice.below(6); bits > 0; --bits) text += dice.one_of(nasty_bits);
    if (lines > 1 || !dice.once_in(3)) text += dice.one_of(nasty_ends);
  }
  return text;
}

std::string noise_file(Dice& dice) {
  std::string text;
  for (auto left = dice.below(120); left > 0; --left) {
    if (dice.once_in(15)) text += dice.once_in(2) ? "plugins" : "lua_package_path";
    text += dice.one_of(noise);
  }
  return text;
}

Change make_change(Dice& dice, bool plain) {
  Change change{.generations_root = root};
  if (!dice.once_in(3)) change.generation_dir = directory_of(dice);
  for (const std::string_view name : {"foo", "bar", "mine", "007"}) {
    if (plain && name == "007") continue;  // alone in a list it is a number to Kong
    if (dice.once_in(3)) change.add_plugins.emplace_back(name);
    if (dice.once_in(3)) change.remove_plugins.emplace_back(name);
  }
  return change;
}

}  // namespace

ConfCase make_case(std::uint64_t seed, std::uint64_t number) {
  Dice dice(seed * 0x9E3779B97F4A7C15U + number);
  ConfCase made;
  switch (number % 3) {
    case 0:
      made.text = plain_file(dice);
      break;
    case 1:
      made.text = nasty_file(dice);
      break;
    default:
      made.text = noise_file(dice);
      break;
  }
  made.plain = number % 3 == 0;
  made.change = make_change(dice, made.plain);
  return made;
}

}  // namespace kongfleet::agent
