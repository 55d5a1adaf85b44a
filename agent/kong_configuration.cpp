// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that finds out what decides Kong's configuration on this host, and which file of
// it is ours to change.
#include "agent/durable_file.hpp"
#include "agent/effective_configuration.hpp"
#include "agent/environment_edit.hpp"
#include "agent/kong_node.hpp"
#include "agent/kong_processes.hpp"
#include "agent/recovery_unit.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto look_timeout = std::chrono::seconds(10);

/// Whether a file that decides was edited after Kong last read it.
bool edited_since(const GatewayFacts& facts, const KongUnit* owner) {
  std::error_code error;
  const auto read_at = fs::last_write_time(facts.prefix / ".kong_env", error);
  if (error) return false;
  std::vector<fs::path> deciding{facts.conf};
  for (const auto name : {path_variable, plugins_variable}) {
    const auto* variable = owner != nullptr ? owner->variable(name) : nullptr;
    if (variable != nullptr) deciding.push_back(variable->file);
  }
  return std::any_of(deciding.begin(), deciding.end(), [&](const fs::path& file) {
    const auto edited_at = fs::last_write_time(file, error);
    return !error && edited_at > read_at;
  });
}

bool found_by_default(const fs::path& conf) {
  std::error_code ignored;
  const fs::path first = "/etc/kong/kong.conf";
  return conf == first || (conf == "/etc/kong.conf" && !fs::exists(first, ignored));
}

bool any_refusal(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return !finding.warning; });
}

Finding moved(const fs::path& planned, const fs::path& now) {
  Finding finding;
  finding.code = "override";
  finding.file = now.string();
  finding.text =
      "by now this file decides lua_package_path and plugins, not '" + planned.string() + "'";
  finding.advice = "plan again";
  return finding;
}

}  // namespace

void KongNode::find_configuration(GatewayFacts& facts, const KongSettings& settings,
                                  const KongUnit* owner) const {
  ConfigurationScene scene;
  scene.conf = facts.conf;
  scene.configured = settings.conf();
  scene.by_default = found_by_default(facts.conf);
  scene.unit = owner;
  // A Kong that does not run makes .kong_env anew when it starts.
  scene.kong_env = facts.running ? settings.kong_env() : nullptr;
  scene.edited_since = edited_since(facts, owner);
  scene.by_environment = config_.configure == "environment";
  facts.obstacles = configuration_obstacles(scene);
  if (!scene.by_environment) return;
  auto managed = environment_to_manage(scene, paths_.systemd_conf / "system");
  if (auto* file = std::get_if<ManagedFile>(&managed)) {
    facts.managed = std::move(*file);
    return;
  }
  facts.managed.kind = ConfigurationKind::UnitFile;  // without a path: there is no such file
  facts.obstacles.insert(facts.obstacles.begin(), std::get<Finding>(std::move(managed)));
}

std::vector<Finding> KongNode::overrides(const GatewayFacts& facts) {
  auto now = facts;
  now.managed = {};
  const auto owner = unit(facts);
  const KongSettings settings(facts.conf, facts.prefix, dialect_of(facts.version));
  find_configuration(now, settings, owner ? &*owner : nullptr);
  auto findings = std::move(now.obstacles);
  if (any_refusal(findings)) return findings;
  if (now.managed_path() != facts.managed_path()) {
    findings.push_back(moved(facts.managed_path(), now.managed_path()));
  } else if (auto defect = recovery_trouble(facts)) {
    findings.push_back(std::move(*defect));
  }
  return findings;
}

std::optional<Finding> KongNode::recovery_trouble(const GatewayFacts& facts) const {
  if (!systemd_.present()) return std::nullopt;
  std::error_code ignored;
  const auto file = fs::weakly_canonical(facts.managed_path(), ignored);
  const auto shown = systemd_.properties(
      recovery_unit, {"LoadState", "ProtectSystem", "ReadWritePaths"}, Clock::now() + look_timeout);
  return recovery_defect(shown, file.parent_path());
}

/// The unit whose start has Kong started; empty: nothing here tells.
std::string KongNode::starter_of(const GatewayFacts& facts) const {
  const auto master = KongProcesses(facts.prefix, paths_.proc).master();
  std::string cgroup;
  if (!facts.unit.empty() || !master) return facts.unit;
  read_file_if_there(paths_.proc / std::to_string(master->id.pid) / "cgroup", cgroup);
  return service_in(cgroup);
}

std::optional<Finding> KongNode::recovery_absent(const GatewayFacts& facts) const {
  if (!systemd_.present()) return std::nullopt;
  const auto shown = systemd_.properties(
      recovery_unit, {"LoadState", "UnitFileState", "Before", "ProtectSystem", "ReadWritePaths"},
      Clock::now() + look_timeout);
  if (auto disabled = recovery_disabled(shown)) return disabled;
  if (auto closed = sockets_defect(shown, facts.prefix)) return closed;
  auto unordered = recovery_unordered(shown, starter_of(facts));
  if (unordered) unordered->warning = facts.unit.empty();
  return unordered;
}

ConfInUse KongNode::conf_in_use(const GatewayFacts& facts) const {
  return {facts.conf, found_by_default(facts.conf), config_.configure == "environment"};
}

std::string KongNode::make_known(ConfigurationKind kind, Time deadline) {
  return kind == ConfigurationKind::UnitFile ? systemd_.daemon_reload(deadline) : "";
}

}  // namespace kongfleet::agent
