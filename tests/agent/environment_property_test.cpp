// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// Drop-ins and environment files put together at random, of all that systemd reads in a way of its
// own: each is refused, or edited so that only our part changes and comes off again.
#include "agent/environment_edit.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <random>

namespace kongfleet::agent::test {
namespace {

constexpr auto unit = ConfigurationKind::UnitFile;
constexpr auto environment_file = ConfigurationKind::EnvironmentFile;
const std::string root = "/var/lib/kongfleet/generations";

class Generator {
public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string file(ConfigurationKind kind) {
    std::string text = kind == unit ? pick({"[Service]\n", "# x\n[Unit]\nA=b\n[Service]\r\n"}) : "";
    const auto lines = number(6);
    for (unsigned line = 0; line < lines; ++line) text += kind == unit ? unit_line() : file_line();
    if (number(4) == 0 && text.ends_with('\n')) text.pop_back();
    return text;
  }

private:
  unsigned number(unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random_);
  }
  std::string pick(const std::vector<std::string>& choices) {
    return choices[number(static_cast<unsigned>(choices.size()))];
  }
  std::string name() {
    return pick({"KONG_PLUGINS", "KONG_LUA_PACKAGE_PATH", "KONG_PLUGINS", "KONG_LUA_PACKAGE_PATH",
                 "KONG_LOG_LEVEL", "kong_plugins", "1BAD"});
  }
  std::string value() {
    return pick({"bundled", "a,b", "a, b", "", "/opt/?.lua;;", ";;/x/?.lua", "off", "off,a", "a,,b",
                 "a#b", "a%b", "a\\\nb", "a\\x41", "'", "\"", "{vault://env/x}", "$HOME", "a\tb"});
  }
  std::string line_end() { return pick({"\n", "\n", "\n", "\r\n", " \n", " \\\n", "\r"}); }
  std::string assignment() {
    const auto quote = pick({"", "", "\"", "'"});
    return number(3) == 0 ? quote + name() + "=" + value() + quote
                          : name() + "=" + quote + value() + quote;
  }
  std::string file_line() {
    return pick({"", "", "", "# note", "# note \\", ";", "export ", "  "}) + assignment() +
           line_end();
  }
  std::string unit_line() {
    std::string line = pick({"Environment=", "Environment = ", "Environment=", "#Environment=",
                             "UnsetEnvironment=", "ExecStart=", "Environment=\n"});
    for (auto words = number(3); words > 0; --words) line += assignment() + " ";
    return line + assignment() + line_end();
  }
  std::mt19937 random_;
};

struct Counts {
  unsigned edited = 0;
  unsigned refused = 0;
};

void check_one(const std::string& text, ConfigurationKind kind, Counts& counts) {
  ManagedFile file{.path = "/x", .kind = kind};
  Change there{.generations_root = root, .generation_dir = root + "/000001-abc"};
  there.add_plugins = {"my-plugin"};
  INFO(kind_name(kind) << ":\n" << text);
  const auto result = edit_environment(text, file, there);
  if (const auto* problem = std::get_if<ConfProblem>(&result)) {
    INFO(problem->reason);
    CHECK_FALSE(problem->reason.starts_with("internal:"));
    ++counts.refused;
    return;
  }
  ++counts.edited;
  const auto& edited = std::get<Edited>(result);
  const auto before = environment_values(text, kind);
  const auto after = environment_values(edited.text, kind);
  CHECK(after.lua_package_path == edited.lua_package_path);
  CHECK(after.plugins == edited.plugins);
  CHECK(edited.lua_package_path.starts_with(root + "/000001-abc/?.lua;"));
  const auto again = edit_environment(edited.text, file, there);
  REQUIRE(std::holds_alternative<Edited>(again));
  CHECK(std::get<Edited>(again).text == edited.text);
  // Where both were explicit, and nothing but ours had to give way, the way back is the same bytes.
  if (!before.lua_package_path || !before.plugins || before.plugins->empty()) return;
  if (before.plugins->starts_with("off")) return;
  const Change back{.generations_root = root, .remove_plugins = {"my-plugin"}};
  const auto restored = edit_environment(edited.text, file, back);
  REQUIRE(std::holds_alternative<Edited>(restored));
  CHECK(std::get<Edited>(restored).text == text);
}

}  // namespace

TEST_CASE("any drop-in or environment file is refused, or edited and given back byte by byte") {
  const unsigned cases = std::getenv("KONGFLEET_DEEP") != nullptr ? 200'000 : 10'000;
  Counts counts;
  for (unsigned seed = 0; seed < cases; ++seed) {
    INFO("seed " << seed);
    for (const auto kind : {unit, environment_file})
      check_one(Generator(seed).file(kind), kind, counts);
  }
  // Enough of both to mean something.
  CHECK(counts.edited > cases / 20);
  CHECK(counts.refused > cases / 20);
}

}  // namespace kongfleet::agent::test
