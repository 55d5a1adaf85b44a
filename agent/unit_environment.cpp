// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// What a unit's files make of Kong's environment.
#include "agent/durable_file.hpp"
#include "agent/environment_file.hpp"
#include "agent/kong_unit.hpp"
#include "agent/unit_file.hpp"
#include "proto/error.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace kongfleet::agent {
namespace {

namespace files = std::filesystem;

std::string content_of(const files::path& path) {
  std::string text;
  try {
    if (read_file_if_there(path, text)) return text;
  } catch (const Error&) {
    // Unreadable for us: systemd, which is root too, could not read it either.
  }
  return "";
}

/// The specifiers of systemd.unit(5) that the unit's name alone decides.
std::string with_specifiers(std::string text, const std::string& name) {
  const auto stem = name.substr(0, name.rfind('.'));
  const auto at_sign = std::min(stem.find('@'), stem.size());
  const std::array<std::pair<char, std::string>, 5> known{
      {{'n', name},
       {'N', stem},
       {'p', stem.substr(0, at_sign)},
       {'i', stem.substr(std::min(at_sign + 1, stem.size()))},
       {'%', "%"}}};
  for (auto at = text.find('%'); at != std::string::npos && at + 1 < text.size();) {
    const auto* specifier = std::find_if(
        known.begin(), known.end(), [&](const auto& entry) { return entry.first == text[at + 1]; });
    const bool is_known = specifier != known.end();
    if (is_known) text.replace(at, 2, specifier->second);
    at = text.find('%', at + (is_known ? specifier->second.size() : 2));
  }
  return text;
}

/// The files that a pattern of glob(7) matches, component by component, in order.
std::vector<files::path> matching(const files::path& pattern) {
  std::vector<files::path> found{""};
  for (const auto& component : pattern) {
    std::vector<files::path> next;
    for (const auto& directory : found) {
      if (component.string().find_first_of("*?[") == std::string::npos) {
        next.push_back(directory / component);
        continue;
      }
      std::error_code error;
      for (files::directory_iterator entry(directory, error), end; !error && entry != end;
           entry.increment(error)) {
        const auto name = entry->path().filename().string();
        if (::fnmatch(component.c_str(), name.c_str(), FNM_PERIOD) == 0)
          next.push_back(entry->path());
      }
    }
    found = std::move(next);
  }
  std::sort(found.begin(), found.end());
  std::erase_if(found, [](const files::path& path) {
    std::error_code ignored;
    return !files::exists(path, ignored);
  });
  return found;
}

/// Directories that our own unit hides from us (ProtectHome=, PrivateTmp=).
bool may_be_hidden(const files::path& path) {
  const auto text = path.string();
  constexpr std::array<std::string_view, 5> hidden{"/home/", "/root/", "/run/user/", "/tmp/",
                                                   "/var/tmp/"};
  return std::any_of(hidden.begin(), hidden.end(),
                     [&](std::string_view directory) { return text.starts_with(directory); });
}

void read_environment_file(KongUnit& unit, const UnitLine& named) {
  const bool optional = named.text.starts_with('-');
  const files::path pattern(named.text.substr(optional ? 1 : 0));
  const auto found = matching(pattern);
  if (found.empty() && (!optional || may_be_hidden(pattern))) unit.unseen_files.push_back(named);
  for (const auto& path : found) {
    unit.environment_files.push_back(path);
    for (auto& entry : parse_environment_file(content_of(path)))
      unit.variables.push_back({std::move(entry.name), std::move(entry.value), path, entry.line,
                                VariableSource::EnvironmentFile});
  }
}

/// All that the unit's files say of the environment and of commands, an empty assignment forgetting
/// what came before it.
class UnitFiles {
public:
  explicit UnitFiles(KongUnit& unit) : unit_(unit) {}

  void read(const files::path& path) {
    const auto settings = parse_unit_file(content_of(path));
    for (const auto& setting : settings) {
      if (setting.section == "Service") take(setting, path);
    }
    for (const auto& entry : unit_assignments(settings))
      unit_.variables.push_back({entry.name, with_specifiers(entry.value, unit_.name), path,
                                 entry.line, VariableSource::Unit});
  }

  std::vector<UnitLine> environment_files;

private:
  void take(const UnitSetting& setting, const files::path& path) {
    const auto& value = setting.value;
    if (setting.key == "Environment" && value.empty()) unit_.variables.clear();
    if (setting.key == "EnvironmentFile") {
      if (value.empty()) environment_files.clear();
      if (!value.empty())
        environment_files.push_back({with_specifiers(value, unit_.name), path, setting.line});
    }
    if (setting.key == "PassEnvironment") take_words(unit_.passed, setting, path);
    if (setting.key == "UnsetEnvironment") take_words(unit_.unset, setting, path);
    if (!setting.key.starts_with("Exec")) return;
    if (value.empty())
      std::erase_if(unit_.commands, [&](const UnitLine& command) {
        return command.text.starts_with(setting.key + "=");
      });
    if (!value.empty()) unit_.commands.push_back({setting.key + "=" + value, path, setting.line});
  }

  static void take_words(std::vector<UnitLine>& lines, const UnitSetting& setting,
                         const files::path& path) {
    if (setting.value.empty()) lines.clear();
    for (auto& word : words_of(setting.value))
      lines.push_back({std::move(word.text), path, setting.line});
  }

  KongUnit& unit_;
};

}  // namespace

void find_places(std::vector<UnitVariable>& variables, const files::path& systemd_conf) {
  if (variables.empty()) return;
  auto places = matching(systemd_conf / "system.conf.d/*.conf");
  places.insert(places.begin(), systemd_conf / "system.conf");
  for (const auto& place : places) {
    for (const auto& setting : parse_unit_file(content_of(place))) {
      if (setting.key != "DefaultEnvironment") continue;
      for (const auto& word : words_of(setting.value)) {
        for (auto& variable : variables) {
          if (word.text != variable.name + "=" + variable.value) continue;
          variable.file = place;
          variable.line = setting.line;
        }
      }
    }
  }
}

void read_environment(KongUnit& unit) {
  const auto inherited = std::move(unit.variables);
  unit.variables.clear();
  UnitFiles read(unit);
  for (const auto& file : unit.files) read.read(file);
  unit.variables.insert(unit.variables.begin(), inherited.begin(), inherited.end());
  // What a path stands for that has other specifiers only systemd knows.
  const bool unknown =
      std::any_of(read.environment_files.begin(), read.environment_files.end(),
                  [](const UnitLine& line) { return line.text.find('%') != std::string::npos; });
  if (unknown) read.environment_files = unit.loaded_environment_files;
  // Read when the service starts, after all Environment= of all files.
  for (const auto& named : read.environment_files) read_environment_file(unit, named);
  // Comes last of all, whatever the order of the files.
  std::erase_if(unit.variables, [&](const UnitVariable& variable) {
    return std::any_of(unit.unset.begin(), unit.unset.end(), [&](const UnitLine& entry) {
      return entry.text == variable.name || entry.text == variable.name + "=" + variable.value;
    });
  });
}

std::string own_variables(const KongUnit& unit) {
  std::string text;
  for (const auto& variable : unit.variables)
    if (variable.source == VariableSource::Unit)
      text += environment_file_line(variable.name, variable.value);
  return text;
}

}  // namespace kongfleet::agent
