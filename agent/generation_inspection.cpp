// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/durable_file.hpp"
#include "agent/preflight.hpp"
#include "proto/bundled_plugins.hpp"
#include "proto/error.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace kongfleet::agent {
namespace {

// A list of all rocks of a Kong has some 300 KB.
constexpr std::size_t rocks_bytes_max = std::size_t{32} << 20;
// More of one kind say nothing new.
constexpr std::size_t findings_max = 50;

struct Tree {
  std::vector<fs::path> entries;  // everything, relative to the generation
  std::set<std::string> plugins;  // directories of kong/plugins
};

/// Throws Error when the generation can't be read: it is ours.
Tree tree_of(const fs::path& generation) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(generation)) {
    const auto relative = entry.path().lexically_relative(generation);
    tree.entries.push_back(relative);
    if (relative.parent_path() == "kong/plugins" && entry.is_directory())
      tree.plugins.insert(relative.filename());
  }
  std::sort(tree.entries.begin(), tree.entries.end());
  return tree;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// The file below one of Kong's own Lua directories that answers to the same `require` as `module`,
/// a file of ours.
std::optional<fs::path> twin_of(const fs::path& module, const HostPaths& paths) {
  if (module.extension() != ".lua") return std::nullopt;
  auto stem = module;
  stem.replace_extension();
  if (stem.filename() == "init") stem = stem.parent_path();
  for (const auto& root : paths.lua_roots) {
    if (is_there(root / (stem.string() + ".lua"))) return root / (stem.string() + ".lua");
    if (is_there(root / stem / "init.lua")) return root / stem / "init.lua";
  }
  return std::nullopt;
}

void find_shadows(const Tree& tree, const HostPaths& paths, std::vector<Finding>& findings) {
  for (const auto& module : tree.entries) {
    if (module.string().starts_with("kong/plugins/") || findings.size() >= findings_max) continue;
    const auto twin = twin_of(module, paths);
    if (!twin) continue;
    Finding finding;
    finding.code = "shadow";
    finding.file = module.string();
    finding.text = "it would be loaded instead of '" + twin->string() +
                   "' by everything in Kong that requires it";
    finding.advice = "move it below kong/plugins/NAME/ and require it from there";
    findings.push_back(std::move(finding));
  }
}

void find_bundled(const Tree& tree, std::vector<Finding>& findings) {
  for (const auto& plugin : tree.plugins) {
    if (!is_bundled_plugin(plugin)) continue;
    Finding finding;
    finding.code = "shadow";
    finding.plugin = plugin;
    finding.text = "a plugin of this name comes with Kong; this one would be loaded instead of it";
    finding.advice = "give the plugin another name";
    findings.push_back(std::move(finding));
  }
}

void find_copies(const PreflightScene& scene, const Tree& tree, const HostPaths& paths,
                 std::vector<Finding>& findings) {
  std::string rocks;
  if (!version_at_least(scene.kong_version, 3, 9) && is_there(paths.rocks / "manifest"))
    rocks = read_file(paths.rocks / "manifest", rocks_bytes_max);
  for (const auto& plugin : tree.plugins) {
    if (is_bundled_plugin(plugin)) continue;
    const auto copy = twin_of(fs::path("kong/plugins") / plugin / "handler.lua", paths);
    const bool rock = rocks.find("kong.plugins." + plugin + ".handler\"") != std::string::npos;
    Finding finding;
    finding.plugin = plugin;
    if (rock) {
      finding.code = "shadow";
      finding.file = (paths.rocks / "manifest").string();
      finding.text = "LuaRocks has this plugin installed, and Kong " + scene.kong_version +
                     " loads what LuaRocks knows before lua_package_path";
      finding.advice = "remove the rock from this host (luarocks remove)";
    } else if (copy) {
      finding.code = "stale-copy";
      finding.warning = true;
      finding.file = copy->parent_path().string();
      finding.text = "another copy of the plugin lies here; it comes alive when ours is taken away";
      finding.advice = "remove that directory";
    }
    if (rock || copy) findings.push_back(std::move(finding));
  }
}

void find_migrations(const PreflightScene& scene, const Tree& tree,
                     std::vector<Finding>& findings) {
  if (!scene.database) return;
  for (const auto& plugin : tree.plugins) {
    const auto directory = scene.generation / "kong/plugins" / plugin;
    if (!is_there(directory / "migrations") && !is_there(directory / "migrations.lua")) continue;
    Finding finding;
    finding.code = "migrations";
    finding.plugin = plugin;
    finding.warning = true;
    finding.text = "the plugin has database migrations; Kong refuses to load it until they ran";
    finding.advice = "run `kong migrations up` with the new kong.conf on one host first";
    findings.push_back(std::move(finding));
  }
}

Finding unreadable(const fs::path& file, const UnixUser& worker, const std::string& why) {
  Finding finding;
  finding.code = "unreadable";
  finding.file = file.string();
  const std::string user = worker.name.empty() ? "uid " + std::to_string(worker.uid) : worker.name;
  finding.text = "Kong's workers run as " + user + ", which " + why;
  finding.advice = "make it readable for that user: a module that is required later would fail";
  return finding;
}

bool readable(const fs::path& path, const UnixUser& worker) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw_errno("look at", path);
  if (!may_read(worker, status.st_mode, status.st_uid, status.st_gid)) return false;
  return !S_ISDIR(status.st_mode) ||
         may_enter(worker, status.st_mode, status.st_uid, status.st_gid);
}

void find_unreadable(const PreflightScene& scene, const Tree& tree,
                     std::vector<Finding>& findings) {
  for (auto parent = scene.generation.parent_path();; parent = parent.parent_path()) {
    struct stat status {};
    if (::stat(parent.c_str(), &status) != 0) throw_errno("look at", parent);
    if (!may_enter(scene.worker, status.st_mode, status.st_uid, status.st_gid))
      findings.push_back(unreadable(parent, scene.worker, "can't enter this directory"));
    if (parent == parent.root_path() || parent.empty()) break;
  }
  const auto& entries = tree.entries;
  const auto bad = std::find_if(entries.begin(), entries.end(), [&](const fs::path& entry) {
    return !readable(scene.generation / entry, scene.worker);
  });
  if (!readable(scene.generation, scene.worker))
    findings.push_back(unreadable(scene.generation, scene.worker, "can't read this directory"));
  if (bad != entries.end()) findings.push_back(unreadable(*bad, scene.worker, "can't read this"));
  const auto text = scene.generation.string();
  if (!scene.private_tmp || !(text.starts_with("/tmp/") || text.starts_with("/var/tmp/"))) return;
  findings.push_back(unreadable(scene.generation, scene.worker,
                                "can't see it: Kong's unit has its own /tmp (PrivateTmp)"));
}

}  // namespace

bool version_at_least(std::string_view version, int major, int minor) {
  int has_major = 0;
  int has_minor = 0;
  const auto* end = version.data() + version.size();
  const auto [dot, error] = std::from_chars(version.data(), end, has_major);
  if (error == std::errc() && dot != end) std::from_chars(dot + 1, end, has_minor);
  return has_major > major || (has_major == major && has_minor >= minor);
}

std::vector<Finding> inspect_generation(const PreflightScene& scene, const HostPaths& paths) {
  std::vector<Finding> findings;
  const Tree tree = tree_of(scene.generation);
  find_shadows(tree, paths, findings);
  find_bundled(tree, findings);
  find_copies(scene, tree, paths, findings);
  find_migrations(scene, tree, findings);
  find_unreadable(scene, tree, findings);
  return findings;
}

}  // namespace kongfleet::agent
