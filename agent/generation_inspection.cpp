// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/candidate_check.hpp"
#include "agent/durable_file.hpp"
#include "agent/preflight.hpp"
#include "agent/shell_command.hpp"
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
/// a file of ours. A library in C counts: files in Lua are looked for first.
std::optional<fs::path> twin_of(const fs::path& module, const HostPaths& paths) {
  if (module.extension() != ".lua") return std::nullopt;
  auto stem = module;
  stem.replace_extension();
  if (stem.filename() == "init") stem = stem.parent_path();
  for (const auto& root : paths.lua_roots)
    for (const char* end : {".lua", "/init.lua", ".so"})
      if (is_there(root / (stem.string() + end))) return root / (stem.string() + end);
  return std::nullopt;
}

/// The plugins that this host's Kong itself says are bundled: editions have their own.
std::string bundled_here(const HostPaths& paths) {
  std::string lists;
  for (const auto& root : paths.lua_roots)
    for (const char* file : {"constants.lua", "enterprise_edition/distributions_constants.lua"}) {
      std::string text;
      if (!read_file_if_there(root / "kong" / file, text)) continue;
      const auto begin = text.find("plugins = {");
      if (begin != std::string::npos)
        lists += text.substr(begin, text.find('}', begin) - begin) + "\n";
    }
  return lists;
}

bool comes_with_kong(const std::string& plugin, const std::string& here) {
  return is_bundled_plugin(plugin) || here.find('"' + plugin + '"') != std::string::npos;
}

Finding shadow(const std::string& file, const std::string& text, const std::string& advice) {
  Finding finding;
  finding.code = "shadow";
  finding.plugin = plugin_of(file);
  finding.file = file;
  finding.text = text;
  finding.advice = advice;
  return finding;
}

/// A plugin of ours has a handler; files of a plugin that has none here belong to somebody else's.
bool ours(const Tree& tree, const std::string& plugin) {
  const auto handler = fs::path("kong/plugins") / plugin / "handler.lua";
  return std::binary_search(tree.entries.begin(), tree.entries.end(), handler);
}

void find_shadows(const Tree& tree, const HostPaths& paths, std::vector<Finding>& findings) {
  for (const auto& module : tree.entries) {
    const auto plugin = plugin_of(module.string());
    const bool whole_name =
        module.filename() == "init.lua" && module.parent_path().parent_path() == "kong/plugins";
    if (findings.size() >= findings_max) return;
    if (!plugin.empty() && ours(tree, plugin) && !whole_name) continue;
    const auto twin = twin_of(module, paths);
    if (!twin) continue;
    findings.push_back(shadow(module.string(),
                              "it would be loaded instead of '" + twin->string() +
                                  "' by everything in Kong that requires it",
                              "move it below kong/plugins/NAME/ of the plugin that brings it, and "
                              "require it from there"));
  }
}

void find_bundled(const Tree& tree, const HostPaths& paths, std::vector<Finding>& findings) {
  const auto here = bundled_here(paths);
  for (const auto& plugin : tree.plugins) {
    if (!comes_with_kong(plugin, here)) continue;
    findings.push_back(
        shadow("kong/plugins/" + plugin + "/handler.lua",
               "a plugin of this name comes with Kong; this one would be loaded instead of it",
               "give the plugin another name"));
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
  if (bad != entries.end()) {
    findings.push_back(unreadable(*bad, scene.worker, "can't read this"));
    findings.back().plugin = plugin_of(bad->string());
  }
  const auto text = scene.generation.string();
  if (!scene.private_tmp || !(text.starts_with("/tmp/") || text.starts_with("/var/tmp/"))) return;
  findings.push_back(unreadable(scene.generation, scene.worker,
                                "can't see it: Kong's unit has its own /tmp (PrivateTmp)"));
}

/// As it stands in LuaRocks' manifest.
std::string module_of(const std::string& plugin) { return "kong.plugins." + plugin + ".handler\""; }

/// The rock that brings a plugin: `["kong.plugins.x.handler"] = {"NAME/VERSION"`. Empty where the
/// manifest is not so.
std::string rock_with(const std::string& manifest, const std::string& plugin) {
  const auto module = module_of(plugin);
  const auto begin = manifest.find('"', manifest.find(module) + module.size());
  const auto slash = manifest.find('/', begin);
  if (begin == std::string::npos || slash == std::string::npos) return "";
  const auto name = manifest.substr(begin + 1, slash - begin - 1);
  return name.find_first_of(" \t\n\"") == std::string::npos ? name : "";
}

std::string command_to_remove(const std::string& rock, const HostPaths& paths) {
  if (rock.empty()) return "remove the rock from this host (luarocks remove)";
  const auto tree = paths.rocks.parent_path().parent_path().parent_path();
  return "luarocks remove --tree=" + shell_word(tree) + " " + shell_word(rock);
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

std::vector<Finding> find_copies(const std::set<std::string>& plugins,
                                 const std::string& kong_version, const HostPaths& paths) {
  std::vector<Finding> findings;
  const auto here = bundled_here(paths);
  std::string rocks;
  if (!version_at_least(kong_version, 3, 9) && is_there(paths.rocks / "manifest"))
    rocks = read_file(paths.rocks / "manifest", rocks_bytes_max);
  for (const auto& plugin : plugins) {
    if (comes_with_kong(plugin, here)) continue;
    const auto copy = twin_of(fs::path("kong/plugins") / plugin / "handler.lua", paths);
    const bool rock = rocks.find(module_of(plugin)) != std::string::npos;
    Finding finding;
    finding.plugin = plugin;
    if (rock) {
      finding.code = "shadow";
      finding.file = (paths.rocks / "manifest").string();
      finding.text = "LuaRocks has this plugin installed, and Kong " + kong_version +
                     " loads what LuaRocks knows before lua_package_path";
      finding.advice = command_to_remove(rock_with(rocks, plugin), paths);
    } else if (copy) {
      finding.code = "stale-copy";
      finding.warning = true;
      finding.file = copy->parent_path().string();
      finding.text = "another copy of the plugin lies here; it comes alive when ours is taken away";
      finding.advice =
          "generation 0 may need it: remove that directory once there is no way back to it";
    }
    if (rock || copy) findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<Finding> inspect_generation(const PreflightScene& scene, const HostPaths& paths) {
  std::vector<Finding> findings;
  const Tree tree = tree_of(scene.generation);
  find_shadows(tree, paths, findings);
  find_bundled(tree, paths, findings);
  for (auto& copy : find_copies(tree.plugins, scene.kong_version, paths))
    findings.push_back(std::move(copy));
  find_unreadable(scene, tree, findings);
  return findings;
}

std::map<std::string, std::string> plugins_with_migrations(const fs::path& generation) {
  std::map<std::string, std::string> found;
  for (const auto& plugin : tree_of(generation).plugins)
    for (const char* file : {"migrations.lua", "migrations/init.lua"}) {
      const auto path = fs::path("kong/plugins") / plugin / file;
      if (is_there(generation / path)) found.emplace(plugin, path.string());
    }
  return found;
}

unsigned line_of_field(const fs::path& handler, std::string_view field) {
  std::string text;
  if (!read_file_if_there(handler, text)) return 0;
  unsigned number = 0;
  std::string_view rest(text);
  while (!rest.empty()) {
    ++number;
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    line = line.substr(0, line.find("--"));
    const auto at = line.find(field);
    if (at == std::string_view::npos) continue;
    const auto after = line.find_first_not_of(" \t]\"'", at + field.size());
    const bool set = after != std::string_view::npos && line[after] == '=' &&
                     line.substr(after).substr(0, 2) != "==";
    if (set) return number;
  }
  return 0;
}

}  // namespace kongfleet::agent
