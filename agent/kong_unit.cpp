// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_unit.hpp"

#include "agent/unit_file.hpp"

#include <charconv>
#include <sstream>

namespace kongfleet::agent {
namespace {

std::vector<std::filesystem::path> paths_in(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::vector<std::filesystem::path> paths;
  for (std::string word; words >> word;) paths.emplace_back(word);
  return paths;
}

void set_property(KongUnit& unit, std::string_view name, std::string_view value) {
  if (name == "Id") unit.name = value;
  if (name == "LoadState") unit.loaded = value == "loaded";
  if (name == "MainPID") std::from_chars(value.data(), value.data() + value.size(), unit.main_pid);
  if (name == "User") unit.user = value;
  if (name == "ActiveState") unit.active = value;
  if (name == "PrivateTmp") unit.private_tmp = value == "yes";
  // One line for each command: ExecReload={ path=… ; argv[]=/usr/local/bin/kong prepare … }
  if (name == "ExecReload" && !value.empty()) unit.exec_reload.append(value).append("\n");
  if (name == "ExecStartPre" && !value.empty())
    unit.exec_start.insert(0, std::string(value) + "\n");
  if (name == "ExecStart" && !value.empty()) unit.exec_start.append(value).append("\n");
  if (name == "Environment") {
    unit.loaded_environment.emplace();
    for (auto& word : words_of(value)) unit.loaded_environment->push_back(std::move(word.text));
  }
  // "/etc/default/kong (ignore_errors=yes)"; before 236 the property has the setting's own name.
  if (name.starts_with("EnvironmentFile") && value.ends_with(')')) {
    const auto end = value.rfind(" (");
    const bool optional = value.substr(end) == " (ignore_errors=yes)";
    unit.loaded_environment_files.push_back(
        {(optional ? "-" : "") + std::string(value.substr(0, end)), {}, 0});
  }
  if (name == "FragmentPath" && !value.empty()) unit.files.insert(unit.files.begin(), value);
  if (name == "DropInPaths")
    for (auto& path : paths_in(value)) unit.files.push_back(std::move(path));
}

}  // namespace

std::vector<KongUnit> parse_units(std::string_view shown) {
  std::vector<KongUnit> units;
  bool inside = false;
  while (!shown.empty()) {
    const auto end = std::min(shown.find('\n'), shown.size());
    const auto line = shown.substr(0, end);
    shown.remove_prefix(std::min(end + 1, shown.size()));
    const auto equals = line.find('=');
    if (line.empty()) inside = false;
    if (equals == std::string_view::npos) continue;
    if (!inside) units.emplace_back();
    inside = true;
    set_property(units.back(), line.substr(0, equals), line.substr(equals + 1));
  }
  return units;
}

std::vector<UnitVariable> parse_manager_environment(std::string_view shown) {
  std::vector<UnitVariable> variables;
  std::istringstream lines{std::string(shown)};
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (!line.starts_with("KONG_") || equals == std::string::npos) continue;
    std::string_view value = std::string_view(line).substr(equals + 1);
    if (value.starts_with("$'")) value.remove_prefix(1);  // written for a shell to read
    const auto words = words_of(value);
    variables.push_back({line.substr(0, equals),
                         words.empty() ? "" : words[0].text,
                         {},
                         0,
                         VariableSource::Manager});
  }
  return variables;
}

const UnitVariable* KongUnit::variable(std::string_view wanted) const {
  const UnitVariable* found = nullptr;
  for (const auto& entry : variables)
    if (entry.name == wanted) found = &entry;
  return found;
}

}  // namespace kongfleet::agent
