// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/plugin_tree.hpp"
#include "controller/release.hpp"

#include <filesystem>
#include <iosfwd>
#include <optional>

namespace kongfleet::controller {

/// What the command line says of a plugin that no fleet file names.
struct PluginChoice {
  std::filesystem::path source;
  std::optional<PluginName> name;  // nothing: the only plugin of the tree
  std::optional<Version> version;  // nothing: a bundle's, else VERSION of handler.lua
};

/// A plugin that was read and linted, and is ready to become a release.
struct CheckedPlugin {
  PluginName name;
  Version version;
  PluginTree tree;
};

/// Reads a tree, a bundle or a rock (release_source.hpp) and lints it, syntax too. Warnings go to
/// `err`. Throws Error with the first mistake.
CheckedPlugin check_plugin(const PluginChoice& choice, std::ostream& err);

}  // namespace kongfleet::controller
