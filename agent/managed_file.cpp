// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/managed_file.hpp"

#include "agent/environment_edit.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr std::array kinds{
    std::pair{ConfigurationKind::KongConf, "file"},
    std::pair{ConfigurationKind::UnitFile, "unit"},
    std::pair{ConfigurationKind::EnvironmentFile, "environment-file"},
};

}  // namespace

const char* kind_name(ConfigurationKind kind) {
  return std::find_if(kinds.begin(), kinds.end(),
                      [&](const auto& entry) { return entry.first == kind; })
      ->second;
}

std::optional<ConfigurationKind> kind_of(std::string_view name) {
  for (const auto& [kind, its_name] : kinds) {
    if (name == its_name) return kind;
  }
  return std::nullopt;
}

std::variant<KeyValues, ConfProblem> read_values(std::string_view text, ConfigurationKind kind,
                                                 ConfDialect dialect) {
  if (kind != ConfigurationKind::KongConf) return environment_values(text, kind);
  const auto parsed = KongConf::parse(text, dialect);
  if (const auto* problem = std::get_if<ConfProblem>(&parsed)) return *problem;
  const auto& conf = std::get<KongConf>(parsed);
  const auto* plugins = conf.find("plugins");
  return KeyValues{conf.value("lua_package_path"), conf.value("plugins"),
                   plugins == nullptr ? 0 : static_cast<unsigned>(plugins->line)};
}

std::variant<Edited, ConfProblem> edit_managed(std::string_view text, const ManagedFile& file,
                                               ConfDialect dialect, const Change& change) {
  if (file.kind == ConfigurationKind::KongConf) return edit(text, dialect, change);
  return edit_environment(text, file, change);
}

}  // namespace kongfleet::agent
