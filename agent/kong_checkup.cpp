// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that looks for a check-up, and changes nothing.
#include "agent/kong_node.hpp"
#include "agent/lua_path.hpp"
#include "agent/unit_commands.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto answer_timeout = std::chrono::seconds(2);
constexpr const char* nowhere = "/nonexistent";

/// The path without the entries that are ours.
std::string foreign_part(const std::string& path, const fs::path& root) {
  std::string foreign;
  for (const auto& entry : lua_path_entries(path))
    if (root.empty() || !entry.starts_with(root.string() + "/")) foreign += entry + ";";
  return foreign;
}

std::set<std::string> plugins_below(const fs::path& generation) {
  std::set<std::string> plugins;
  if (generation.empty()) return plugins;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(generation / "kong/plugins", ignored))
    plugins.insert(entry.path().filename());
  return plugins;
}

/// Kong goes on without a rock that it runs, but does not start without it.
Finding in_use(Finding rock) {
  rock.advice = "it may be what serves: only when a rollout is about to follow, " + rock.advice;
  return rock;
}

/// A copy that lua_package_path itself leads to, behind our own entries.
std::optional<Finding> copy_on_path(const std::string& plugin, const LuaSearch& foreign) {
  const auto handler = fs::path("kong/plugins") / plugin / "handler.lua";
  const auto found = shadow_before(foreign, nowhere, {handler});
  if (!found) return std::nullopt;
  Finding finding;
  finding.code = "stale-copy";
  finding.plugin = plugin;
  finding.warning = true;
  finding.file = found->file.parent_path().string();
  finding.text = "another copy of the plugin lies here, and '" + found->entry +
                 "' of lua_package_path leads to it; it comes alive when ours is taken away";
  return finding;
}

}  // namespace

NodeDetails KongNode::details(const GatewayFacts& facts, const fs::path& generation,
                              const std::set<std::string>& plugins) {
  NodeDetails details;
  const auto owner = unit(facts);
  if (owner) {
    details.private_tmp = owner->private_tmp;
    details.status_by_unit = owner->variable("KONG_STATUS_LISTEN") != nullptr;
    details.reload = reload_defect(*owner, conf_in_use(facts));
    details.start = start_defect(*owner, conf_in_use(facts));
  }
  details.recovery = recovery_trouble(facts);
  if (!details.recovery) details.recovery = recovery_absent(facts);
  const KongSettings settings(facts.conf, facts.prefix, dialect_of(facts.version));
  details.shutdown_timeout = settings.value("nginx_main_worker_shutdown_timeout").value_or("");
  details.declarative = settings.value("declarative_config").value_or("");
  if (facts.running && !facts.status.empty())
    details.status_answers =
        admin_.status(facts.status, Clock::now() + answer_timeout).page.has_value();
  const auto paths = lua_paths(facts);
  auto scene = scene_of(facts, owner, generation);
  scene.private_tmp = false;  // that is a check of its own
  if (!generation.empty()) details.files = inspect_generation(scene, paths);
  for (auto& finding : details.files)
    if (finding.code == "unreadable") finding.file = generation / finding.file;
  const auto ours = plugins_below(generation);
  auto others = plugins;
  for (const auto& plugin : ours) others.erase(plugin);
  // What lies here of a plugin that no generation has yet is no copy: it may be what serves.
  for (auto& found : find_copies(others, facts.version, paths))
    if (found.code == "shadow") details.files.push_back(in_use(std::move(found)));
  const auto root = generation.parent_path();
  const LuaSearch foreign{foreign_part(facts.effective_path, root), facts.directory, {}};
  for (const auto& plugin : ours)
    if (auto copy = copy_on_path(plugin, foreign)) details.files.push_back(*std::move(copy));
  return details;
}

}  // namespace kongfleet::agent
