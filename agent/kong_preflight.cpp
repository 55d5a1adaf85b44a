// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that looks before the leap: preflight and overrides.
#include "agent/durable_file.hpp"
#include "agent/kong_node.hpp"
#include "agent/kong_processes.hpp"
#include "agent/kong_settings.hpp"
#include "agent/preflight.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace kongfleet::agent {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Kong reads a candidate in 0.2 to 0.6 s; a busy machine takes ten times that. What takes longer
// hangs the master as well, which then hears no signal any more.
constexpr auto load_timeout = 30s;

/// A fresh directory for one preflight, gone with this object. Its name is short: Kong 3 binds a
/// unix socket at PREFIX plus 19 characters, and such a path has 107 at most.
class ScratchDirectory {
public:
  explicit ScratchDirectory(const fs::path& parent) {
    std::string name = (parent / "p-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw_errno("make a directory in", parent);
    path_ = name;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  fs::path write(const std::string& name, std::string_view text) const {
    const auto file = path_ / name;
    write_all(create_file(file, 0600), text, file);
    return file;
  }
  void give_to(const UnixUser& user) const {
    for (const auto& entry : fs::directory_iterator(path_))
      if (::chown(entry.path().c_str(), user.uid, user.gid) != 0)
        throw_errno("change the owner of", entry.path());
    if (::chown(path_.c_str(), user.uid, user.gid) != 0) throw_errno("change the owner of", path_);
  }

private:
  fs::path path_;
};

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
  for (const char* directory : {"share/lua/5.1", "openresty/lualib", "openresty/site/lualib"})
    paths.lua_roots.push_back(root / directory);
  if (fs::exists(root / "lib/luarocks/rocks-5.1")) paths.rocks = root / "lib/luarocks/rocks-5.1";
  return paths;
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

std::vector<Finding> KongNode::load_candidate(
    const GatewayFacts& facts, const KongSettings& settings, const std::optional<KongUnit>& owner,
    const std::string& candidate, const std::filesystem::path& generation, Time deadline) const {
  const ScratchDirectory scratch(config_.state);
  const bool kong2 = !version_at_least(facts.version, 3, 0);
  fs::path declarative = scratch.write(
      "minimal.yml", std::string("_format_version: \"") + (kong2 ? "2.1" : "3.0") + "\"\n");
  // The node's own configuration, where it has one, must fit the new schemas: Kong reads it on
  // every reload.
  const auto* by_unit = owner ? owner->variable("KONG_DECLARATIVE_CONFIG") : nullptr;
  const auto real =
      by_unit != nullptr ? by_unit->value : settings.configured("declarative_config").value_or("");
  if (!real.empty() && !uses_database(settings, owner)) declarative = real;
  const auto conf = scratch.write("kong.conf", candidate);
  const auto prefix = scratch.path() / "k";
  fs::create_directory(prefix);
  const UnixUsers users(paths_.passwd, paths_.group);
  const auto master = KongProcesses(facts.prefix, paths_.proc).master();
  if (owner && !owner->user.empty()) {
    if (const auto user = users.find(owner->user)) scratch.give_to(*user);
  } else if (!owner && master && ::geteuid() == 0) {
    scratch.give_to(users.find(master->uid));
  }
  const std::vector<std::string> arguments{"config",      "parse", declarative.string(), "-c",
                                           conf.string(), "-p",    prefix.string()};
  const std::vector<std::string> extra{"KONG_DATABASE=off", "KONG_ROLE=traditional",
                                       "KONG_CLUSTER_DP_LABELS="};
  ChildResult result{127, false, "", "unsupported"};
  const auto limit = std::min(deadline, Clock::now() + load_timeout);
  if (owner) {
    std::vector<std::string> argv{facts.binary.string()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    result = systemd_.run_like(*owner, argv, extra, {"KONG_PREFIX"}, limit);
  }
  // By hand, or by an old systemd: with our own rights.
  if (result.exit_code == 127 && result.errors == "unsupported")
    result = run_kong(facts, arguments, extra, limit);
  if (result.ok()) return {};
  if (!result.timed_out) return findings_in(result.text(), generation);
  Finding finding;
  finding.code = "load";
  finding.text = "Kong does not finish loading the plugins: the main chunk of a module hangs";
  finding.advice = "nothing may block or loop while a module is loaded";
  return {finding};
}

bool KongNode::uses_database(const KongSettings& settings,
                             const std::optional<KongUnit>& owner) const {
  const auto* by_unit = owner ? owner->variable("KONG_DATABASE") : nullptr;
  if (by_unit != nullptr) return by_unit->value != "off";
  return settings.configured("database").value_or("postgres") != "off";
}

std::vector<Finding> KongNode::preflight(const GatewayFacts& facts,
                                         const std::filesystem::path& candidate,
                                         const std::filesystem::path& generation, Time deadline) {
  const auto owner = unit(facts);
  const auto dialect = dialect_of(facts.version);
  const KongSettings running(facts.conf, facts.prefix, dialect);
  const KongSettings next(candidate, "/nonexistent", dialect);
  std::vector<Finding> findings;
  if (!generation.empty()) {
    const UnixUsers users(paths_.passwd, paths_.group);
    const auto master = KongProcesses(facts.prefix, paths_.proc).master();
    PreflightScene scene;
    scene.generation = generation;
    scene.kong_version = facts.version;
    scene.worker = worker_user(running, users, master);
    scene.private_tmp = owner && owner->private_tmp;
    scene.database = facts.role != "data_plane" && uses_database(next, owner);
    findings = inspect_generation(scene, with_roots_of(facts.binary, paths_));
  }
  const bool refused = std::any_of(findings.begin(), findings.end(),
                                   [](const Finding& finding) { return !finding.warning; });
  if (refused) return findings;  // Kong would only load what must not be loaded
  auto by_kong = load_candidate(facts, next, owner, read_file(candidate), generation, deadline);
  findings.insert(findings.end(), by_kong.begin(), by_kong.end());
  return findings;
}

}  // namespace kongfleet::agent
