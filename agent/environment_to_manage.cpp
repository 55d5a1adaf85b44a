// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// effective_configuration.hpp's part that finds the file for [kong] configure = "environment".
#include "agent/effective_configuration.hpp"
#include "agent/environment_edit.hpp"

#include <array>

namespace kongfleet::agent {
namespace {

namespace fs = std::filesystem;

/// The two variables as they are, or as they would have to be.
struct Variables {
  const UnitVariable* path;
  const UnitVariable* plugins;
  EffectiveValue path_value;
  EffectiveValue plugins_value;
};

bool is_below(const fs::path& file, const fs::path& directory) {
  return file.string().starts_with(directory.string() + "/");
}

ConfigurationKind kind_of_source(const UnitVariable& variable) {
  return variable.source == VariableSource::Unit ? ConfigurationKind::UnitFile
                                                 : ConfigurationKind::EnvironmentFile;
}

/// A variable in a place that can be ours; what systemd hands out itself counts as not set: both
/// others beat it.
const UnitVariable* set_by_file(const KongUnit& unit, std::string_view name) {
  const auto* variable = unit.variable(name);
  if (variable == nullptr || variable->source == VariableSource::Manager) return nullptr;
  return variable;
}

std::string line_for(ConfigurationKind kind, std::string_view name, const EffectiveValue& value) {
  return "'" + assignment_line(kind, name, value.value) + "'";
}

std::string both_lines(ConfigurationKind kind, const Variables& now) {
  return line_for(kind, path_variable, now.path_value) + " and " +
         line_for(kind, plugins_variable, now.plugins_value);
}

std::string by_drop_in(const KongUnit& unit, const Variables& now, const fs::path& units) {
  return "write " + both_lines(ConfigurationKind::UnitFile, now) + " below [Service] into " +
         (units / (unit.name + ".d") / "kongfleet.conf").string() +
         ", then systemctl daemon-reload";
}

Finding refusal(const UnitVariable* variable, const std::string& text, const std::string& advice) {
  Finding finding;
  finding.code = "environment";
  if (variable != nullptr) {
    finding.file = variable->file.string();
    finding.line = variable->line;
  }
  finding.text = text;
  finding.advice = advice;
  return finding;
}

/// Both set, in two files: one of the two can stay.
Finding in_two_files(const KongUnit& unit, const Variables& now, const fs::path& units) {
  const auto& path = *now.path;
  const auto& plugins = *now.plugins;
  const bool unit_may_stay = path.source != VariableSource::Unit || is_below(path.file, units);
  const auto& target = unit_may_stay ? path : plugins;
  const auto& other = unit_may_stay ? plugins : path;
  const auto& value = unit_may_stay ? now.plugins_value : now.path_value;
  return refusal(&other,
                 other.name + " is set here and " + target.name + " in " + target.file.string() +
                     ":" + std::to_string(target.line) + "; for " + unit.name +
                     " one file has to set both, so that one switch changes "
                     "both",
                 "write " + line_for(kind_of_source(target), other.name, value) + " into " +
                     target.file.string() + ", below line " + std::to_string(target.line) +
                     ", and take it out here");
}

/// Why a file can't be ours, or nothing.
std::optional<Finding> not_ours(const UnitVariable& variable, const KongUnit& unit,
                                const Variables& now, const fs::path& units) {
  const auto file = variable.file.string();
  if (is_below(variable.file, "/run"))
    return refusal(&variable, variable.name + " is set in a file that is gone after a reboot",
                   "take it out of there and " + by_drop_in(unit, now, units));
  if (variable.source == VariableSource::EnvironmentFile || is_below(variable.file, units))
    return std::nullopt;
  return refusal(&variable,
                 variable.name +
                     " is set in a unit file that is not this host's own: what is "
                     "written there goes with the next upgrade",
                 "systemctl edit " + unit.name + ": " + by_drop_in(unit, now, units));
}

}  // namespace

std::variant<ManagedFile, Finding> environment_to_manage(const ConfigurationScene& scene,
                                                         const fs::path& units) {
  if (scene.unit == nullptr)
    return refusal(nullptr,
                   "[kong] configure = \"environment\" needs a systemd unit that owns Kong, and "
                   "Kong was started by hand here",
                   "set configure = \"file\" in agent.toml, or have a unit start Kong");
  const auto& unit = *scene.unit;
  const Variables now{set_by_file(unit, path_variable), set_by_file(unit, plugins_variable),
                      effective_value(scene, "lua_package_path"),
                      effective_value(scene, "plugins")};
  if (now.path == nullptr && now.plugins == nullptr)
    return refusal(nullptr,
                   "[kong] configure = \"environment\", but nothing sets KONG_LUA_PACKAGE_PATH or "
                   "KONG_PLUGINS for " +
                       unit.name,
                   by_drop_in(unit, now, units));
  if (now.path != nullptr && now.plugins != nullptr && now.path->file != now.plugins->file)
    return in_two_files(unit, now, units);
  const auto& variable = now.path != nullptr ? *now.path : *now.plugins;
  if (auto why = not_ours(variable, unit, now, units)) return *std::move(why);
  ManagedFile file{.path = variable.file, .kind = kind_of_source(variable)};
  if (now.path == nullptr) file.elsewhere.lua_package_path = now.path_value.value;
  if (now.plugins == nullptr) file.elsewhere.plugins = now.plugins_value.value;
  return file;
}

}  // namespace kongfleet::agent
