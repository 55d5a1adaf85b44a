// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/environment_edit.hpp"
#include "agent/kong_conf_edit.hpp"
#include "agent/unit_file.hpp"
#include "tests/editor/edit_check.hpp"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace kongfleet::fuzz;

namespace {

constexpr const char* root = "/var/lib/kongfleet/generations";

Change change_of(std::uint8_t choice) {
  Change change{
      .generations_root = root, .generation_dir = "", .remove_plugins = {}, .add_plugins = {}};
  if ((choice & 1U) != 0) change.generation_dir = std::string(root) + "/000002-3fa9c1d2e4b0";
  if ((choice & 2U) != 0) change.add_plugins = {"my-plugin"};
  if ((choice & 4U) != 0) change.remove_plugins = {"old-plugin"};
  if ((choice & 8U) != 0) change.remove_plugins.emplace_back("my-plugin");
  return change;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// The text before, made again from the one after and the lines that changed. Of a line on which
/// other variables stand their values are not told: it is taken from `was`.
std::vector<std::string> undone(const Edited& edited, const std::vector<std::string>& was) {
  const std::string untold = "…";
  auto lines = lines_of(edited.text);
  for (auto diff = edited.lines.rbegin(); diff != edited.lines.rend(); ++diff) {
    require(diff->line >= 1 && diff->line <= lines.size(), "a changed line is there");
    auto& line = lines[diff->line - 1];
    if (diff->before && diff->after.find(untold) != std::string::npos) {
      require(diff->line <= was.size(), "a line that changed was there");
      line = was[diff->line - 1];
      continue;
    }
    require(line.starts_with(diff->after), "a changed line says what is told of it");
    if (diff->before) {
      line.replace(0, diff->after.size(), *diff->before);
    } else {
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(diff->line) - 1);
    }
  }
  return lines;
}

std::vector<std::pair<std::string, std::string>> others(std::string_view text,
                                                        ConfigurationKind kind) {
  std::vector<std::pair<std::string, std::string>> found;
  const auto assignments = kind == ConfigurationKind::UnitFile
                               ? unit_assignments(parse_unit_file(text))
                               : parse_environment_file(text);
  for (const auto& each : assignments) {
    require(!each.place || each.place->end <= text.size(), "a value's place is in the file");
    if (each.name != path_variable && each.name != plugins_variable)
      found.emplace_back(each.name, each.value);
  }
  return found;
}

void edit_environment_of(Input input, ConfigurationKind kind) {
  const auto choice = input.byte();
  const auto change = change_of(choice);
  const ManagedFile file{.path = "/etc/kong.env", .kind = kind, .elsewhere = {}};
  const auto before = others(input.rest(), kind);
  const auto result = edit_environment(input.rest(), file, change);
  if (const auto* problem = std::get_if<ConfProblem>(&result)) {
    require(!problem->reason.empty() && !problem->reason.starts_with("internal"), "a reason");
    return;
  }
  const auto& edited = std::get<Edited>(result);
  require(others(edited.text, kind) == before, "other variables stay");
  auto was = lines_of(input.rest());
  auto back = undone(edited, was);
  while (!back.empty() && back.back().empty()) back.pop_back();
  while (!was.empty() && was.back().empty()) was.pop_back();
  require(back == was, "every other byte stays");
  const auto values = environment_values(edited.text, kind);
  require(values.lua_package_path == edited.lua_package_path && values.plugins == edited.plugins,
          "read again it says what was meant");
  const auto again = edit_environment(edited.text, file, change);
  const auto* same = std::get_if<Edited>(&again);
  require(same != nullptr && same->text == edited.text && same->lines.empty(), "twice is free");
}

}  // namespace

// All other keys and bytes stay, the effective values are those told, asking twice is free; judged
// by the code that judges the editor against Kong's own parser (tests/editor).
int kongfleet_fuzz_kong_conf(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto choice = input.byte();
  const auto dialect = (choice & 0x80U) != 0 ? ConfDialect::From32 : ConfDialect::Before32;
  const ConfCase made{
      .text = std::string(input.rest()), .change = change_of(choice), .plain = false};
  const auto result = edit(made.text, dialect, made.change);
  if (const auto* problem = std::get_if<ConfProblem>(&result)) {
    require(!problem->reason.empty() && !problem->reason.starts_with("internal"), problem->reason);
    return 0;
  }
  const auto& edited = std::get<Edited>(result);
  const auto complaint =
      judge(made, dialect, edited, our_answer(made.text), our_answer(edited.text));
  require(complaint.empty(), complaint);
  const auto again = edit(edited.text, dialect, made.change);
  const auto* same = std::get_if<Edited>(&again);
  require(same != nullptr && same->text == edited.text && same->lines.empty(), "twice is free");
  return 0;
}

int kongfleet_fuzz_environment_file(const std::uint8_t* data, std::size_t size) {
  edit_environment_of(Input(data, size), ConfigurationKind::EnvironmentFile);
  return 0;
}

int kongfleet_fuzz_unit_file(const std::uint8_t* data, std::size_t size) {
  edit_environment_of(Input(data, size), ConfigurationKind::UnitFile);
  return 0;
}
