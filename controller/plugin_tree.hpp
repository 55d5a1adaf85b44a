// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/release.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// One file of a source tree. Its path is a good RelativePath.
struct TreeFile {
  std::string path;      // "kong/plugins/my-plugin/handler.lua"
  unsigned mode = 0644;  // 0755 when its owner may execute it, else 0644
  std::string content;
};

/// A rock that its rockspec says must be installed too.
struct TreeNeed {
  std::string file;  // the rockspec, as messages call it within the tree
  std::size_t line;
  std::string rock;  // "lua-resty-jwt >= 0.2"
};

/// The files of a source tree that go into a release, sorted by path, and what does not.
struct PluginTree {
  std::string root;  // how messages call the tree
  std::vector<TreeFile> files;
  std::vector<std::string> left_out;  // "README.md", "spec/", "kong/plugins/x/.luacheckrc"

  std::vector<TreeNeed> needs;  // of a rock: what nobody brings to the hosts

  const TreeFile* find(std::string_view path) const;
};

/// Whether an entry of a source tree goes into a release; `path` is relative to the tree.
///
/// Everything below kong/ does, and so does every other directory and *.lua file at the top, since
/// a plugin may bring Lua modules of its own. Left out are:
/// - directories at the top that are known to hold something else: bin, build, ci, dist, doc(s),
///   docker, example(s), lua_modules, node_modules, scripts, servroot, spec, t, test(s);
/// - all other files at the top: README, LICENSE, *.rockspec, Makefile, …;
/// - hidden ones anywhere (.git, .svn, .DS_Store, .luacheckrc, …), and what editors and tools leave
///   behind: *~, *.swp, *.swo, *.orig, *.rej, #…#, __pycache__.
bool belongs_to_release(std::string_view path, bool is_directory);

/// Counts what a release is made of against the limits of proto/manifest.hpp.
class TreeBudget {
public:
  explicit TreeBudget(std::string root) : root_(std::move(root)) {}
  /// Throws Error, naming tree and file, for a path that a release cannot hold, and for a file too
  /// many or a byte too many. To be called before memory is taken for the file.
  void admit(const std::string& path, std::uint64_t size);

private:
  std::string root_;
  std::size_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Reads the tree at `root`; follows no link inside it. Throws Error for a directory that has no
/// kong/plugins/, for anything in it that is neither left out nor a regular file or a directory
/// (links, devices, sockets), for setuid and setgid files, and as TreeBudget does.
PluginTree read_plugin_tree(const std::filesystem::path& root);

/// Reads the file at `path`, whose last part is in the directory `parent`; follows no link.
/// Throws Error as read_plugin_tree does for the tree `root`.
TreeFile read_tree_file(const std::string& root, int parent, const std::string& path,
                        TreeBudget& budget);

/// Throws Error saying that `root` is no plugin tree, and what one looks like. `handler_on_top`: it
/// has a handler.lua right there, so probably the wrong directory was named.
struct LayoutMistake {
  bool handler_on_top = false;
};
[[noreturn]] void refuse_layout(const std::string& root, LayoutMistake mistake);

/// The names below kong/plugins/, sorted.
std::vector<std::string> plugins_of(const PluginTree& tree);

/// Makes a release of all files of the tree. Throws Error as Manifest::build does.
Release make_release(const PluginName& name, const Version& version, PluginTree tree,
                     const std::optional<ReleaseTerms>& terms = std::nullopt);

}  // namespace kongfleet::controller
