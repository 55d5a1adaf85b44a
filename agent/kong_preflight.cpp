// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that looks before the leap: preflight and overrides.
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

std::string shown(const std::optional<std::string>& value) {
  return value ? "'" + printable(*value, 500) + "'" : "nothing";
}

/// A value that Kong had in force when it last read kong.conf, although kong.conf said otherwise:
/// something outside of the files we know beat it. Where kong.conf is newer, it is only somebody's
/// edit that waits for a reload.
std::optional<Finding> beaten(const GatewayFacts& facts, const KongSettings& settings,
                              const std::string& key) {
  const auto configured = settings.configured(key);
  const auto effective = settings.effective(key);
  if (!configured || !settings.has_effective()) return std::nullopt;
  if (*configured == effective.value_or(""))
    return std::nullopt;  // .kong_env leaves out what is empty
  if (key == "plugins" && split_list(*configured) == split_list(effective.value_or("")))
    return std::nullopt;
  std::error_code error;
  const auto read_at = fs::last_write_time(facts.prefix / ".kong_env", error);
  const auto edited_at = fs::last_write_time(facts.conf, error);
  const bool edited_since = !error && edited_at > read_at;
  Finding finding;
  finding.code = edited_since ? "conf" : "override";
  finding.warning = edited_since;
  finding.file = facts.conf.string();
  finding.text =
      "kong.conf says " + key + " = " + shown(configured) + ", but Kong has " + shown(effective);
  finding.advice =
      edited_since
          ? "kong.conf was edited after Kong last read it: that edit comes into force with this one"
          : "KONG_" + std::string(key == "plugins" ? "PLUGINS" : "LUA_PACKAGE_PATH") +
                " was set when Kong was started or reloaded: take it out there; or, where it was "
                "not, have Kong read kong.conf (kong reload -c " +
                facts.conf.string() + ")";
  return finding;
}

}  // namespace

std::vector<Finding> KongNode::overrides(const GatewayFacts& facts) {
  std::vector<Finding> findings;
  if (const auto owner = unit(facts)) {
    findings = unit_overrides(*owner);
    if (auto defect = reload_defect(*owner, facts.conf)) findings.push_back(std::move(*defect));
    if (!findings.empty()) return findings;
  }
  const KongSettings settings(facts.conf, facts.prefix, dialect_of(facts.version));
  for (const std::string key : {"lua_package_path", "plugins"})
    if (auto finding = beaten(facts, settings, key)) findings.push_back(std::move(*finding));
  return findings;
}

bool KongNode::uses_database(const KongSettings& settings,
                             const std::optional<KongUnit>& owner) const {
  const auto* by_unit = owner ? owner->variable("KONG_DATABASE") : nullptr;
  if (by_unit != nullptr) return by_unit->value != "off";
  return settings.configured("database").value_or("postgres") != "off";
}

Candidate KongNode::read_candidate(const GatewayFacts& facts, const std::optional<KongUnit>& owner,
                                   const std::filesystem::path& conf,
                                   const std::filesystem::path& generation) const {
  const auto dialect = dialect_of(facts.version);
  const KongSettings next(conf, "/nonexistent", dialect);
  Candidate candidate;
  candidate.conf = read_file(conf);
  candidate.generation = generation;
  candidate.lua_package_path =
      next.configured("lua_package_path").value_or(std::string(default_lua_package_path));
  candidate.plugins = next.configured("plugins").value_or(std::string(default_plugins));
  candidate.database = facts.role != "data_plane" && uses_database(next, owner);
  const auto* by_unit = owner ? owner->variable("KONG_DECLARATIVE_CONFIG") : nullptr;
  candidate.declarative =
      by_unit != nullptr ? by_unit->value : next.configured("declarative_config").value_or("");
  const auto parsed = KongConf::parse(candidate.conf, dialect);
  const auto* found = std::get<KongConf>(parsed).find("plugins");
  if (found != nullptr) candidate.plugins_line = static_cast<unsigned>(found->line);
  return candidate;
}

PreflightReport KongNode::preflight(const GatewayFacts& facts,
                                    const std::filesystem::path& candidate_conf,
                                    const std::filesystem::path& generation, Time deadline) {
  const auto owner = unit(facts);
  const auto candidate = read_candidate(facts, owner, candidate_conf, generation);
  PreflightReport report;
  const auto add = [&](std::vector<Finding> findings) {
    report.findings.insert(report.findings.end(), std::make_move_iterator(findings.begin()),
                           std::make_move_iterator(findings.end()));
  };
  if (!generation.empty()) {
    const KongSettings running(facts.conf, facts.prefix, dialect_of(facts.version));
    const UnixUsers users(paths_.passwd, paths_.group);
    const auto master = KongProcesses(facts.prefix, paths_.proc).master();
    PreflightScene scene;
    scene.generation = generation;
    scene.kong_version = facts.version;
    scene.worker = worker_user(running, users, master);
    scene.private_tmp = owner && owner->private_tmp;
    add(inspect_generation(scene, with_roots_of(facts.binary, paths_)));
  }
  add(plugins_in_use(facts, candidate, deadline));
  // Kong would only load what must not be loaded, or say the same in other words.
  if (any_refusal(report.findings)) return report;
  auto loaded = load_candidate(facts, owner, candidate, deadline);
  add(std::move(loaded.findings));
  report.versions = std::move(loaded.versions);
  if (!any_refusal(report.findings)) add(unrun_migrations(facts, owner, candidate, deadline));
  return report;
}

}  // namespace kongfleet::agent
