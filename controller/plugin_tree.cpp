// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/plugin_tree.hpp"

#include "controller/ssh_fd.hpp"
#include "proto/error.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <set>

namespace kongfleet::controller {

namespace {

constexpr std::string_view plugins_directory = "kong/plugins/";
constexpr std::size_t left_out_max = 1000;      // told to people; more are not remembered
constexpr std::size_t entries_max = 1'000'000;  // names in one directory, left out or not
constexpr std::array<std::string_view, 17> top_directories_left_out = {
    "bin",      "build",   "ci",       "dist",        "doc",          "docker",
    "docs",     "example", "examples", "lua_modules", "node_modules", "scripts",
    "servroot", "spec",    "t",        "test",        "tests"};

[[noreturn]] void refuse(const std::string& root, const std::string& path, const std::string& why) {
  throw Error("plugin tree '" + root + "': '" + printable(path, 300) + "' " + why);
}

bool is_litter(std::string_view name) {
  for (const std::string_view ending : {"~", ".swp", ".swo", ".orig", ".rej"}) {
    if (name.ends_with(ending)) return true;
  }
  return name == "__pycache__" || (name.size() > 1 && name.starts_with('#') && name.ends_with('#'));
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// Walks a tree by directory descriptors, so that nothing swapped for a link meanwhile is followed.
class TreeReader {
public:
  explicit TreeReader(std::string root) : budget_(root) { tree_.root = std::move(root); }
  PluginTree read();

private:
  void directory(SshFd fd, const std::string& prefix);
  void entry(int parent, const std::string& prefix, const std::string& name);
  std::vector<std::string> names_in(SshFd fd, const std::string& prefix);
  std::string shown(const std::string& path) const { return tree_.root + "/" + path; }

  TreeBudget budget_;
  PluginTree tree_;
};

std::vector<std::string> TreeReader::names_in(SshFd fd, const std::string& prefix) {
  const std::unique_ptr<DIR, CloseDirectory> handle(::fdopendir(fd.get()));
  if (!handle) throw_errno("read directory", shown(prefix));
  fd.release();  // the handle owns it now
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(handle.get());
    if (found == nullptr) break;
    const std::string name = found->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == entries_max) refuse(tree_.root, prefix, "has too many entries");
    names.push_back(name);
  }
  if (errno != 0) throw_errno("read directory", shown(prefix));
  std::sort(names.begin(), names.end());
  return names;
}

void TreeReader::directory(SshFd fd, const std::string& prefix) {
  const SshFd self(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!self) throw_errno("read directory", shown(prefix));
  for (const auto& name : names_in(std::move(fd), prefix)) entry(self.get(), prefix, name);
}

void TreeReader::entry(int parent, const std::string& prefix, const std::string& name) {
  const auto path = prefix + name;
  struct stat status {};
  if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    throw_errno("read", shown(path));
  }
  const bool is_directory = S_ISDIR(status.st_mode);
  if (!belongs_to_release(path, is_directory)) {
    if (tree_.left_out.size() < left_out_max) {
      tree_.left_out.push_back(path + (is_directory ? "/" : ""));
    }
    return;
  }
  if (S_ISLNK(status.st_mode)) {
    refuse(tree_.root, path,
           "is a symbolic link; a release holds plain files, so put a copy there");
  }
  if (is_directory) {
    const auto problem = why_bad_path(path);  // depth too: bounds the recursion
    if (!problem.empty()) refuse(tree_.root, path, problem);
    SshFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) throw_errno("read directory", shown(path));
    directory(std::move(fd), path + "/");
    return;
  }
  if (!S_ISREG(status.st_mode)) {
    refuse(tree_.root, path, "is neither a plain file nor a directory; remove it");
  }
  tree_.files.push_back(read_tree_file(tree_.root, parent, path, budget_));
}

PluginTree TreeReader::read() {
  SshFd fd(::open(tree_.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno == ENOENT) {
    throw Error("there is no plugin tree '" + tree_.root +
                "'; a source is a directory that holds kong/plugins/NAME/, or a bundle (.kfb)");
  }
  if (!fd && errno == ENOTDIR) {
    throw Error("'" + tree_.root +
                "' is not a directory; a source is a directory that holds kong/plugins/NAME/, or a "
                "bundle (.kfb)");
  }
  if (!fd) throw_errno("read plugin tree", tree_.root);
  const auto is = [&](const char* path, mode_t kind) {
    struct stat status {};
    return ::fstatat(fd.get(), path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           (status.st_mode & S_IFMT) == kind;
  };
  if (!is("kong/plugins", S_IFDIR)) {
    refuse_layout(tree_.root, {.handler_on_top = is("handler.lua", S_IFREG)});
  }
  directory(std::move(fd), "");
  std::sort(tree_.files.begin(), tree_.files.end(),
            [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
  return std::move(tree_);
}

}  // namespace

const TreeFile* PluginTree::find(std::string_view path) const {
  for (const auto& file : files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

bool belongs_to_release(std::string_view path, bool is_directory) {
  const auto slash = path.rfind('/');
  const bool on_top = slash == std::string_view::npos;
  const auto name = on_top ? path : path.substr(slash + 1);
  if (name.starts_with('.') || is_litter(name)) return false;
  if (!on_top) return true;
  if (!is_directory) return name.ends_with(".lua");
  return std::find(top_directories_left_out.begin(), top_directories_left_out.end(), name) ==
         top_directories_left_out.end();
}

void TreeBudget::admit(const std::string& path, std::uint64_t size) {
  const auto problem = why_bad_path(path);
  if (!problem.empty()) refuse(root_, path, problem + "; a release cannot hold that");
  if (++files_ > manifest_files_max) {
    refuse(root_, path, "is one file too many; a release has at most 20000");
  }
  if (size > manifest_content_max - bytes_) {
    refuse(root_, path, "is too large; a release has at most 256 MiB in all");
  }
  bytes_ += size;
}

TreeFile read_tree_file(const std::string& root, int parent, const std::string& path,
                        TreeBudget& budget) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto shown = root + "/" + path;
  // O_NONBLOCK: should it have become a fifo meanwhile, opening must not wait for a writer.
  const SshFd fd(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) throw_errno("read", shown);
  if (!S_ISREG(status.st_mode)) refuse(root, path, "changed while it was read; try again");
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) {
    refuse(root, path, "is setuid or setgid; chmod ug-s it");
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  budget.admit(path, size);
  TreeFile found{.path = path, .mode = (status.st_mode & S_IXUSR) != 0 ? 0755U : 0644U};
  found.content.resize(size + 1);  // one more, to see that it ends there
  std::size_t filled = 0;
  while (filled < found.content.size()) {
    const auto got = ::read(fd.get(), found.content.data() + filled, found.content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("read", shown);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled != size) refuse(root, path, "changed while it was read; try again");
  found.content.resize(size);
  return found;
}

PluginTree read_plugin_tree(const std::filesystem::path& root) {
  return TreeReader(root.string()).read();
}

void refuse_layout(const std::string& root, LayoutMistake mistake) {
  const auto shown = "plugin tree '" + root + "': ";
  if (mistake.handler_on_top) {
    throw Error(shown +
                "handler.lua lies at its top, but Kong looks for kong/plugins/NAME/handler.lua; "
                "name the directory that holds kong/");
  }
  throw Error(shown +
              "there is no kong/plugins/ in it; a plugin tree holds "
              "kong/plugins/NAME/handler.lua and schema.lua");
}

std::vector<std::string> plugins_of(const PluginTree& tree) {
  std::set<std::string> names;
  for (const auto& file : tree.files) {
    if (!file.path.starts_with(plugins_directory)) continue;
    const auto rest = std::string_view(file.path).substr(plugins_directory.size());
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos) names.emplace(rest.substr(0, slash));
  }
  return {names.begin(), names.end()};
}

Release make_release(const PluginName& name, const Version& version, PluginTree tree,
                     const std::optional<ReleaseTerms>& terms) {
  std::sort(tree.files.begin(), tree.files.end(),
            [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
  std::vector<ManifestFile> files;
  std::vector<std::string> contents;
  for (auto& file : tree.files) {
    const auto path = RelativePath::parse(file.path);
    if (!path) refuse(tree.root, file.path, why_bad_path(file.path));
    files.push_back({*path, file.content.size(), file.mode, sha256(file.content)});
    contents.push_back(std::move(file.content));
  }
  try {
    return {Manifest::build(name, version, std::move(files), terms), std::move(contents)};
  } catch (const Error& error) {
    throw Error("plugin tree '" + tree.root + "': " + error.what());
  }
}

}  // namespace kongfleet::controller
