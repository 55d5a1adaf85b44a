// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/release_source.hpp"

#include "controller/bundle.hpp"
#include "controller/git_tree.hpp"
#include "controller/lua_handler.hpp"
#include "controller/rock_source.hpp"
#include "proto/error.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

PluginMaterial read_bundle_material(const std::filesystem::path& path) {
  auto release = read_bundle(path);
  PluginMaterial material{.tree = {.root = path.string()}};
  const auto& files = release.manifest.files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    material.tree.files.push_back({.path = files[i].path.text(),
                                   .mode = files[i].mode,
                                   .content = std::move(release.contents[i])});
  }
  material.manifest = std::move(release.manifest);
  material.signature = std::move(release.signature);
  return material;
}

Release finished_release(const FleetPlugin& plugin, PluginMaterial material) {
  const auto& manifest = *material.manifest;
  if (manifest.name() != plugin.name) {
    throw Error("the bundle '" + material.tree.root + "' holds " + manifest.release() + ", not '" +
                plugin.name.text() + "'");
  }
  if (plugin.version && manifest.version() != *plugin.version) {
    throw Error("the bundle '" + material.tree.root + "' holds " + manifest.release() +
                ", not version " + plugin.version->text());
  }
  std::vector<std::string> contents;
  for (auto& file : material.tree.files) contents.push_back(std::move(file.content));
  return {*material.manifest, std::move(contents), std::move(material.signature)};
}

// Runs `work`; an Error from it is passed on with the place in the fleet file in front.
template <class Work>
auto located(const FleetPlugin& plugin, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(plugin.where + ": " + error.what());
  }
}

}  // namespace

Version release_version(const PluginName& name, const std::optional<Version>& wanted,
                        const PluginTree& tree) {
  if (wanted) return *wanted;
  const auto path = "kong/plugins/" + name.text() + "/handler.lua";
  const auto start = "plugin tree '" + tree.root + "': " + path;
  const auto* handler = tree.find(path);
  if (handler == nullptr) throw Error(start + " is missing; Kong needs it to load the plugin");
  const auto text = handler_version(handler->content);
  if (!text) {
    throw Error(start +
                " has no VERSION that can be read off; write VERSION = \"1.0.0\" there, or give "
                "the release one (version = \"1.0.0\" in [plugins." +
                name.text() + "], pack --release-version 1.0.0)");
  }
  const auto version = Version::parse(*text);
  if (!version) {
    throw Error(start + " has VERSION \"" + printable(*text, 100) +
                "\"; a version has 1 to 64 letters, digits, '.', '+' and '-'");
  }
  return *version;
}

PluginMaterial read_plugin_path(const std::filesystem::path& path) {
  if (path.extension() == ".rock") return {.tree = read_rock(path)};
  if (path.extension() == ".rockspec") return {.tree = read_rockspec_tree(path)};
  if (const auto rockspec = rockspec_in(path)) return {.tree = read_rockspec_tree(*rockspec)};
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error) || path.extension() == ".kfb") {
    return read_bundle_material(path);
  }
  return {.tree = read_plugin_tree(path)};
}

PluginMaterial read_plugin(const FleetPlugin& plugin) {
  return located(plugin, [&]() -> PluginMaterial {
    if (plugin.source.kind == SourceKind::Git) return {.tree = read_git_tree(plugin.source)};
    return read_plugin_path(plugin.source.path);
  });
}

Release release_of(const FleetPlugin& plugin, PluginMaterial material) {
  return located(plugin, [&] {
    if (material.manifest) return finished_release(plugin, std::move(material));
    const auto version = release_version(plugin.name, plugin.version, material.tree);
    return make_release(plugin.name, version, std::move(material.tree));
  });
}

Release load_release(const FleetPlugin& plugin) { return release_of(plugin, read_plugin(plugin)); }

// A broken plugin that none of them runs is no reason to stop.
std::vector<Release> releases_for(const Fleet& fleet, const std::vector<const FleetHost*>& hosts) {
  std::vector<Release> releases;
  for (const auto& plugin : fleet.plugins) {
    const bool wanted = std::any_of(hosts.begin(), hosts.end(), [&](const FleetHost* host) {
      const auto& names = host->plugins;
      return std::find(names.begin(), names.end(), plugin.name.text()) != names.end();
    });
    if (wanted) releases.push_back(load_release(plugin));
  }
  return releases;
}

}  // namespace kongfleet::controller
