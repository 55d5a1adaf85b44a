// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/plugin_tree.hpp"
#include "controller/release.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace kongfleet::controller {

/// What a fleet file's plugin entry stands for, before it is checked.
struct PluginMaterial {
  PluginTree tree;
  std::optional<Manifest> manifest;  // of a bundle, which is a finished release already
  std::string signature;             // of a bundle that was signed
};

/// Reads the source of `plugin`: a directory, a rock or a rockspec, also as the only one of a
/// directory without kong/plugins/ (rock_source.hpp), a bundle (any other plain file), or a commit
/// of a Git repository (git_tree.hpp). Throws Error, beginning with plugin.where.
PluginMaterial read_plugin(const FleetPlugin& plugin);

/// The same, of anything but a repository, outside any fleet file. Throws Error.
PluginMaterial read_plugin_path(const std::filesystem::path& path);

/// The version of a release of `tree`: `wanted`, else VERSION of handler.lua. Throws Error when
/// neither is there, or handler.lua's is no version.
Version release_version(const PluginName& name, const std::optional<Version>& wanted,
                        const PluginTree& tree);

/// The release that `material` makes, at the version of the fleet file or, without one, the
/// bundle's or handler.lua's VERSION. Throws Error, beginning with plugin.where, when there is no
/// version, when a bundle is of another name or version, and as Manifest::build does.
Release release_of(const FleetPlugin& plugin, PluginMaterial material);

/// Both in one.
Release load_release(const FleetPlugin& plugin);
/// The releases of all plugins that these hosts run; no other plugin is read. Throws Error.
std::vector<Release> releases_for(const Fleet& fleet, const std::vector<const FleetHost*>& hosts);

}  // namespace kongfleet::controller
