// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rock_source.hpp"

#include "controller/rockspec.hpp"
#include "controller/ssh_fd.hpp"
#include "controller/zip_file.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <fcntl.h>

#include <algorithm>

namespace kongfleet::controller {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view lua_directory = "lua/";
constexpr std::string_view spec_ending = ".rockspec";
constexpr std::size_t rockspec_bytes_max = std::size_t{1} << 20;

void sort_by_path(PluginTree& tree) {
  std::sort(tree.files.begin(), tree.files.end(),
            [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
}

bool on_top(const std::string& path) { return path.find('/') == std::string::npos; }

/// Sorts what lies in a rock.
struct RockContents {
  PluginTree tree;
  std::optional<TreeFile> rockspec;

  void take(TreeFile file) {
    const auto where = "read '" + tree.root + "': ";
    if (file.path.starts_with(lua_directory)) {
      file.path.erase(0, lua_directory.size());
      tree.files.push_back(std::move(file));
    } else if (file.path.starts_with("lib/")) {
      throw Error(where + "it holds '" + printable(file.path, 200) +
                  "', which was compiled for one kind of host and one build of LuaJIT; install "
                  "such a rock on the hosts by other means");
    } else if (on_top(file.path) && file.path.ends_with(spec_ending)) {
      if (rockspec) throw Error(where + "it holds two rockspecs");
      rockspec = std::move(file);
    } else if (file.path != "rock_manifest") {
      tree.left_out.push_back(file.path);
    }
  }
};

SshFd open_beside(const fs::path& root, const std::string& path) {
  SshFd at(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!at) throw_errno("read directory", root);
  const auto parent = fs::path(path).parent_path();
  for (const auto& part : parent) {
    at = SshFd(::openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!at) throw_errno("read directory", root / parent);
  }
  return at;
}

TreeFile read_beside(const fs::path& root, const std::string& path, TreeBudget& budget) {
  return read_tree_file(root.string(), open_beside(root, path).get(), path, budget);
}

}  // namespace

PluginTree read_rock(const fs::path& rock) {
  RockContents contents{.tree = {.root = rock.string()}};
  read_zip(rock, [&](TreeFile file) { contents.take(std::move(file)); });
  const auto where = "read '" + rock.string() + "': ";
  if (!contents.rockspec) throw Error(where + "it is no rock, since there is no rockspec in it");
  if (contents.tree.files.empty()) {
    throw Error(where +
                "there is nothing below lua/ in it; if it is a source rock, build it first: "
                "luarocks build --pack-binary-rock " +
                rock.filename().string());
  }
  const auto& spec = *contents.rockspec;
  if (spec.content.size() > rockspec_bytes_max) {
    throw Error("'" + rock.string() + "/" + printable(spec.path, 200) +
                "' is too large for a rockspec; 1 MiB at most");
  }
  contents.tree.needs = needs_of_rockspec(spec.content, rock.string() + "/" + spec.path);
  sort_by_path(contents.tree);
  if (plugins_of(contents.tree).empty()) refuse_layout(contents.tree.root, {});
  return std::move(contents.tree);
}

PluginTree read_rockspec_tree(const fs::path& rockspec) {
  const auto root = rockspec.has_parent_path() ? rockspec.parent_path() : fs::path(".");
  TreeBudget for_rockspec(root.string());
  std::error_code error;
  if (fs::file_size(rockspec, error) > rockspec_bytes_max && !error) {
    throw Error("'" + rockspec.string() + "' is too large for a rockspec; 1 MiB at most");
  }
  const auto text = read_beside(root, rockspec.filename().string(), for_rockspec);
  const auto spec = read_rockspec(text.content, rockspec.string());
  PluginTree tree{.root = root.string(), .needs = spec.needs};
  TreeBudget budget(root.string());
  for (const auto& each : spec.files) {
    try {
      tree.files.push_back(read_beside(root, each.from, budget));
    } catch (const Error& problem) {
      throw Error(rockspec.string() + ":" + std::to_string(each.line) + ": " + problem.what());
    }
    tree.files.back().path = each.to;
  }
  sort_by_path(tree);
  if (plugins_of(tree).empty()) refuse_layout(rockspec.string(), {});
  return tree;
}

std::optional<fs::path> rockspec_in(const fs::path& directory) {
  std::error_code error;
  if (fs::exists(directory / "kong" / "plugins", error)) return std::nullopt;
  std::optional<fs::path> found;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->path().string().ends_with(spec_ending)) continue;
    if (found) {
      throw Error("'" + directory.string() + "' holds '" + found->filename().string() + "' and '" +
                  entry->path().filename().string() + "'; name the rockspec that is meant");
    }
    found = entry->path();
  }
  return found;
}

}  // namespace kongfleet::controller
