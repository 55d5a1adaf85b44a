// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_unit.hpp"

#include <charconv>
#include <sstream>

namespace kongfleet::agent {
namespace {

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

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

const UnitVariable* KongUnit::variable(std::string_view wanted) const {
  const UnitVariable* found = nullptr;
  for (const auto& entry : variables)
    if (entry.name == wanted) found = &entry;
  return found;
}

std::vector<Finding> unit_overrides(const KongUnit& unit) {
  std::vector<Finding> findings;
  for (const std::string key : {"LUA_PACKAGE_PATH", "PLUGINS"}) {
    const auto* variable = unit.variable("KONG_" + key);
    if (variable == nullptr) continue;
    Finding finding;
    finding.code = "override";
    finding.file = variable->file.string();
    finding.line = variable->line;
    finding.text = "KONG_" + key + "=" + variable->value + ", set for " + unit.name +
                   ", overrides " + (key == "PLUGINS" ? "plugins" : "lua_package_path") +
                   " of kong.conf";
    finding.advice = "move the value into kong.conf and take the variable out of " + finding.file +
                     ", then systemctl daemon-reload";
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::optional<Finding> reload_defect(const KongUnit& unit, const std::filesystem::path& conf) {
  const std::string& commands = unit.exec_reload;
  const bool by_default = conf == "/etc/kong/kong.conf" || conf == "/etc/kong.conf";
  const bool names_it = holds(commands, " " + conf.string() + " ");
  const bool names_any = holds(commands, " -c /") || holds(commands, " --conf");
  const bool prepares = holds(commands, "kong prepare");
  const bool reads_it = names_it || (prepares && by_default && !names_any);
  if (reads_it && (prepares || holds(commands, "kong reload"))) return std::nullopt;
  Finding finding;
  finding.code = "unit";
  finding.file = unit.files.empty() ? "" : unit.files.front().string();
  finding.text = "ExecReload of " + unit.name + " does not have Kong read '" + conf.string() + "'";
  if (commands.empty()) finding.text = unit.name + " has no ExecReload: it can't be reloaded";
  finding.advice = "add a drop-in in which ExecReload=/usr/local/bin/kong prepare -c " +
                   conf.string() + " -p PREFIX comes before the reload of nginx";
  return finding;
}

}  // namespace kongfleet::agent
