// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that looks before the leap: preflight.
#include "agent/durable_file.hpp"
#include "agent/kong_conf_values.hpp"
#include "agent/kong_node.hpp"
#include "agent/kong_processes.hpp"
#include "agent/kong_settings.hpp"
#include "agent/preflight.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <iterator>

namespace kongfleet::agent {
namespace {

/// The user nginx's workers get: nginx_user where that exists, else nobody (kong-live.md section
/// 4b).
UnixUser worker_user(const KongSettings& settings, const UnixUsers& users,
                     const std::optional<KongMaster>& master) {
  if (master && master->uid != 0) return users.find(master->uid);
  std::string name = "kong";
  for (const char* key : {"nginx_main_user", "nginx_user"})
    if (const auto value = settings.value(key)) name = value->substr(0, value->find(' '));
  if (auto user = users.find(name)) return *user;
  if (auto user = users.find("nobody")) return *user;
  return users.find(uid_t{65534});
}

/// Kong's own directories, where its command is not below /usr/local.
HostPaths with_roots_of(const fs::path& binary, HostPaths paths) {
  const auto root = binary.parent_path().parent_path();
  if (root == "/usr/local" || root == "/usr") return paths;
  for (const char* directory :
       {"share/lua/5.1", "lib/lua/5.1", "openresty/lualib", "openresty/site/lualib",
        "openresty/luajit/share/lua/5.1", "openresty/luajit/lib/lua/5.1"})
    paths.lua_roots.push_back(root / directory);
  if (fs::exists(root / "lib/luarocks/rocks-5.1")) paths.rocks = root / "lib/luarocks/rocks-5.1";
  return paths;
}

bool any_refusal(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return !finding.warning; });
}

}  // namespace

bool KongNode::uses_database(const KongSettings& settings,
                             const std::optional<KongUnit>& owner) const {
  const auto* by_unit = owner ? owner->variable("KONG_DATABASE") : nullptr;
  if (by_unit != nullptr) return by_unit->value != "off";
  return settings.configured("database").value_or("postgres") != "off";
}

Candidate KongNode::read_candidate(const GatewayFacts& facts, const std::optional<KongUnit>& owner,
                                   const std::filesystem::path& managed,
                                   const std::filesystem::path& generation) const {
  const auto dialect = dialect_of(facts.version);
  const bool by_conf = facts.managed.kind == ConfigurationKind::KongConf;
  const auto conf = by_conf ? managed : facts.conf;
  const KongSettings next(conf, "/nonexistent", dialect);
  Candidate candidate;
  read_file_if_there(conf, candidate.conf);
  candidate.generation = generation;
  const auto read = read_values(read_file(managed), facts.managed.kind, dialect);
  const auto& values = std::get<KeyValues>(read);
  candidate.lua_package_path =
      values.lua_package_path.value_or(std::string(default_lua_package_path));
  candidate.plugins = values.plugins.value_or(std::string(default_plugins));
  candidate.plugins_line = values.plugins_line;
  candidate.database = facts.role != "data_plane" && uses_database(next, owner);
  const auto* by_unit = owner ? owner->variable("KONG_DECLARATIVE_CONFIG") : nullptr;
  candidate.declarative =
      by_unit != nullptr ? by_unit->value : next.configured("declarative_config").value_or("");
  return candidate;
}

PreflightScene KongNode::scene_of(const GatewayFacts& facts, const std::optional<KongUnit>& owner,
                                  const std::filesystem::path& generation) const {
  const KongSettings running(facts.conf, facts.prefix, dialect_of(facts.version));
  const UnixUsers users(paths_.passwd, paths_.group);
  const auto master = KongProcesses(facts.prefix, paths_.proc).master();
  PreflightScene scene;
  scene.generation = generation;
  scene.kong_version = facts.version;
  scene.worker = worker_user(running, users, master);
  scene.private_tmp = owner && owner->private_tmp;
  return scene;
}

HostPaths KongNode::lua_paths(const GatewayFacts& facts) const {
  return with_roots_of(facts.binary, paths_);
}

PreflightReport KongNode::preflight(const GatewayFacts& facts, const std::filesystem::path& managed,
                                    const std::filesystem::path& generation, Time deadline) {
  const auto owner = unit(facts);
  const auto candidate = read_candidate(facts, owner, managed, generation);
  PreflightReport report;
  const auto add = [&](std::vector<Finding> findings) {
    report.findings.insert(report.findings.end(), std::make_move_iterator(findings.begin()),
                           std::make_move_iterator(findings.end()));
  };
  if (!generation.empty()) {
    add(inspect_generation(scene_of(facts, owner, generation), lua_paths(facts)));
  }
  add(plugins_in_use(facts, candidate, deadline));
  // Kong would only load what must not be loaded, or say the same in other words.
  if (any_refusal(report.findings)) return report;
  auto loaded = load_candidate(facts, owner, candidate, deadline);
  add(std::move(loaded.findings));
  report.versions = std::move(loaded.versions);
  if (!any_refusal(report.findings)) add(unrun_migrations(facts, owner, candidate, deadline));
  secrets(facts, owner).mask(report.findings);
  return report;
}

}  // namespace kongfleet::agent
