// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/effective_configuration.hpp"

#include "agent/environment_edit.hpp"
#include "agent/unit_commands.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <array>

namespace kongfleet::agent {
namespace {

/// One of our two keys, by both of its names.
struct Key {
  std::string name;
  std::string variable;
  std::string by_default;
};

const std::array<Key, 2>& our_keys() {
  static const std::array<Key, 2> keys{
      {{"lua_package_path", std::string(path_variable), std::string(default_lua_package_path)},
       {"plugins", std::string(plugins_variable), std::string(default_plugins)}}};
  return keys;
}

std::string shown(const std::string& value) { return "'" + printable(value, 500) + "'"; }

Finding obstacle(std::string code, const std::filesystem::path& file, unsigned line,
                 std::string text, std::string advice) {
  Finding finding;
  finding.code = std::move(code);
  finding.file = file.string();
  finding.line = line;
  finding.text = std::move(text);
  finding.advice = std::move(advice);
  return finding;
}

Finding obstacle(std::string code, const UnitLine& line, std::string text, std::string advice) {
  return obstacle(std::move(code), line.file, line.line, std::move(text), std::move(advice));
}

/// What the files say, whatever .kong_env has.
EffectiveValue value_in_files(const ConfigurationScene& scene, const Key& key) {
  const auto* variable = scene.unit != nullptr ? scene.unit->variable(key.variable) : nullptr;
  if (variable != nullptr) {
    const auto source = variable->source == VariableSource::Manager ? ValueSource::Manager
                        : variable->source == VariableSource::Unit  ? ValueSource::Unit
                                                                    : ValueSource::EnvironmentFile;
    return {variable->value, source, variable->file, variable->line};
  }
  const auto* setting = scene.configured != nullptr ? scene.configured->find(key.name) : nullptr;
  if (setting != nullptr)
    return {setting->value, ValueSource::KongConf, scene.conf,
            static_cast<unsigned>(setting->line)};
  return {key.by_default, ValueSource::Default, {}, 0};
}

/// Whether .kong_env, which leaves out what is empty, says the same.
bool agrees(const ConfigurationScene& scene, const Key& key, const std::string& value) {
  const auto effective = scene.kong_env->value(key.name).value_or("");
  return value == effective ||
         (key.name == "plugins" && split_list(value) == split_list(effective));
}

bool takes_away(const UnitLine& unset, const std::string& variable) {
  return unset.text.substr(0, unset.text.find('=')) == variable;
}

const UnitLine* find_unset(const KongUnit& unit, const std::string& variable) {
  const auto found = std::find_if(unit.unset.begin(), unit.unset.end(),
                                  [&](const UnitLine& line) { return takes_away(line, variable); });
  return found == unit.unset.end() ? nullptr : &*found;
}

/// Variables that beat kong.conf.
void find_variables(const KongUnit& unit, const Key& key, std::vector<Finding>& findings) {
  const auto* variable = unit.variable(key.variable);
  if (variable == nullptr) return;
  const bool by_systemd = variable->source == VariableSource::Manager;
  const auto text = key.variable + "=" + printable(variable->value, 500) +
                    (by_systemd ? ", which systemd hands to every service, overrides "
                                : ", set for " + unit.name + ", overrides ") +
                    key.name + " of kong.conf";
  std::string advice;
  if (variable->file.empty())
    advice = "systemctl unset-environment " + key.variable;
  else
    advice = "move the value into kong.conf and take the variable out of " +
             variable->file.string() +
             ", then systemctl daemon-reload; or, where it is to stay, "
             "set [kong] configure = \"environment\" in agent.toml";
  findings.push_back(obstacle("override", variable->file, variable->line, text, advice));
}

/// A variable that is in force although no file says so any more.
void find_stale(const KongUnit& unit, const Key& key, std::vector<Finding>& findings) {
  if (!unit.loaded_environment || find_unset(unit, key.variable) != nullptr) return;
  if (unit.variable(key.variable) != nullptr) return;
  for (const auto& entry : *unit.loaded_environment) {
    if (!entry.starts_with(key.variable + "=")) continue;
    findings.push_back(obstacle("override", {}, 0,
                                printable(entry, 500) + " is still set for " + unit.name +
                                    ", although its files set it no longer",
                                "systemctl daemon-reload"));
  }
}

/// PassEnvironment= hands on what only systemd itself knows; every other setting beats it.
void find_passed(const KongUnit& unit, const Key& key, std::vector<Finding>& findings) {
  if (unit.variable(key.variable) != nullptr || find_unset(unit, key.variable) != nullptr) return;
  for (const auto& line : unit.passed) {
    if (line.text != key.variable) continue;
    findings.push_back(obstacle("override", line,
                                "PassEnvironment= gives " + unit.name + " the " + key.variable +
                                    " that systemd itself was started with, whatever it is",
                                "take " + key.variable + " out of that line"));
  }
}

/// A command that sets a variable for itself: `env KONG_PLUGINS=… kong prepare`.
void find_inline(const KongUnit& unit, const Key& key, std::vector<Finding>& findings) {
  const auto assignment = key.variable + "=";
  for (const auto& command : unit.commands) {
    if (command.text.find(assignment) == std::string::npos) continue;
    findings.push_back(obstacle("override", command,
                                command.text.substr(0, command.text.find('=')) + " of " +
                                    unit.name + " sets " + key.variable +
                                    " for its own command, which overrides all else",
                                "take it out of the command"));
  }
}

/// What the environment must not do when it is what we write.
void find_taken_away(const KongUnit& unit, const Key& key, std::vector<Finding>& findings) {
  const auto* unset = find_unset(unit, key.variable);
  if (unset == nullptr) return;
  findings.push_back(obstacle("override", *unset,
                              "UnsetEnvironment= takes " + key.variable + " away from " + unit.name,
                              "take it out of that line"));
}

void find_unseen(const KongUnit& unit, std::vector<Finding>& findings) {
  for (const auto& line : unit.unseen_files) {
    const auto path = line.text.substr(line.text.starts_with('-') ? 1 : 0);
    findings.push_back(obstacle("override", line,
                                "EnvironmentFile=" + line.text + " of " + unit.name +
                                    " can't be seen by the agent, nor what it overrides",
                                "keep '" + path + "' below /etc, or remove the line"));
  }
}

/// .kong_env has what no file says: the environment of whoever started or reloaded Kong beat them.
void find_beaten(const ConfigurationScene& scene, const Key& key, std::vector<Finding>& findings) {
  if (scene.kong_env == nullptr) return;
  const auto said = value_in_files(scene, key);
  if (agrees(scene, key, said.value)) return;
  const auto has = scene.kong_env->value(key.name);
  const bool by_conf = said.source == ValueSource::KongConf || said.source == ValueSource::Default;
  const auto name = by_conf ? "kong.conf" : said.file.string();
  auto finding = obstacle(
      "override", by_conf ? scene.conf : said.file, said.line,
      name + (said.source == ValueSource::Default ? " leaves " : " says ") + key.name +
          (said.source == ValueSource::Default ? " at " : " = ") + shown(said.value) +
          ", but Kong has " + (has ? shown(*has) : "nothing"),
      key.variable +
          " was set when Kong was started or reloaded: take it out there; or, where it "
          "was not, have Kong read its configuration (kong prepare, then kong reload, with -c " +
          scene.conf.string() + ")");
  if (scene.edited_since) {
    finding.code = "conf";
    finding.warning = true;
    finding.advice =
        name + " was edited after Kong last read it: that edit comes into force with this one";
  }
  findings.push_back(std::move(finding));
}

/// What a gateway is, beside our two keys. Nothing: that Kong's default depends on its version.
struct Telling {
  std::string_view name;
  std::optional<std::string_view> by_default;
};
constexpr std::array<Telling, 7> telling_keys{{{"database", "postgres"},
                                               {"declarative_config", ""},
                                               {"role", "traditional"},
                                               {"pg_host", "127.0.0.1"},
                                               {"pg_database", "kong"},
                                               {"proxy_listen", {}},
                                               {"admin_listen", {}}}};

/// Kong writes another text for it into .kong_env: it resolves the first, cuts the second, and may
/// make an absolute path of the third.
bool is_rewritten(const std::string& value) {
  return value.find("{vault://") != std::string::npos || value.find('#') != std::string::npos ||
         (value.find('/') != std::string::npos && !value.starts_with('/'));
}

/// A Kong that was started by hand may have been given another file, or variables of a shell. Its
/// `kong prepare` with our file would make another gateway of it, and so would the way back.
void find_other_gateway(const ConfigurationScene& scene, std::vector<Finding>& findings) {
  if (scene.unit != nullptr || scene.kong_env == nullptr || scene.edited_since) return;
  for (const auto& key : telling_keys) {
    const auto* setting = scene.configured != nullptr ? scene.configured->find(key.name) : nullptr;
    const auto has = scene.kong_env->value(key.name);
    if (setting == nullptr && !(has && key.by_default)) continue;
    const auto said = setting != nullptr ? setting->value : std::string(*key.by_default);
    if (is_rewritten(said)) continue;
    if (split_list(said) == split_list(has.value_or(""))) continue;
    const auto name = std::string(key.name);
    findings.push_back(obstacle(
        "override", scene.conf, setting != nullptr ? static_cast<unsigned>(setting->line) : 0,
        "Kong was started by hand with " + name + " = " + shown(has.value_or("")) + ", but " +
            (setting != nullptr ? "kong.conf has " : "kong.conf leaves it at ") + shown(said) +
            ": to reload it from this file would make another gateway of it",
        "write into it what Kong was started with; or name the file that it was started "
        "with as [kong] conf in agent.toml"));
  }
}

}  // namespace

EffectiveValue effective_value(const ConfigurationScene& scene, std::string_view name) {
  const auto& key = name == our_keys()[0].name ? our_keys()[0] : our_keys()[1];
  auto said = value_in_files(scene, key);
  const bool told = scene.kong_env != nullptr && !scene.edited_since;
  if (!told || agrees(scene, key, said.value)) return said;
  return {scene.kong_env->value(key.name).value_or(""), ValueSource::Unknown, {}, 0};
}

std::vector<Finding> configuration_obstacles(const ConfigurationScene& scene) {
  std::vector<Finding> findings;
  for (const auto& key : our_keys()) {
    if (scene.unit == nullptr) break;
    if (scene.by_environment)
      find_taken_away(*scene.unit, key, findings);
    else
      find_variables(*scene.unit, key, findings);
    if (!scene.by_environment) find_stale(*scene.unit, key, findings);
    find_passed(*scene.unit, key, findings);
    find_inline(*scene.unit, key, findings);
  }
  if (scene.unit != nullptr) {
    find_unseen(*scene.unit, findings);
    const ConfInUse conf{scene.conf, scene.by_default, scene.by_environment};
    for (auto& finding : command_defects(*scene.unit, conf)) findings.push_back(std::move(finding));
  }
  if (!findings.empty()) return findings;  // they explain the rest
  for (const auto& key : our_keys()) find_beaten(scene, key, findings);
  find_other_gateway(scene, findings);
  return findings;
}

}  // namespace kongfleet::agent
