// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/disk_tree.hpp"

#include "proto/error.hpp"
#include "tests/power/files.hpp"

#include <boost/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

namespace kongfleet::power {

namespace fs = std::filesystem;

std::optional<fs::path> Disk::inside(const fs::path& path) const {
  const auto relative = path.lexically_relative(root);
  if (relative == ".") return fs::path();
  const auto within = [&](const std::string& begin) {
    return relative.native().starts_with(begin);
  };
  const bool ours =
      !relative.empty() && std::find(parts.begin(), parts.end(), *relative.begin()) != parts.end();
  return ours && std::none_of(ignored.begin(), ignored.end(), within) ? std::optional(relative)
                                                                      : std::nullopt;
}

DiskTree::Content::Content(std::string text)
    : bytes(std::move(text)), hash(std::hash<std::string>{}(bytes)) {}

DiskTree::DiskTree() { add(true, 0755, 0, 0); }

Inode DiskTree::add(bool is_directory, mode_t mode, uid_t uid, gid_t gid) {
  static const auto empty = std::make_shared<const Content>("");
  nodes_.push_back({is_directory, mode, uid, gid, empty, {}});
  return inodes() - 1;
}

DiskTree DiskTree::read(const Disk& disk) {
  DiskTree tree;
  const std::function<void(const fs::path&, Inode)> take = [&](const fs::path& path, Inode parent) {
    if (!disk.inside(path)) return;
    const auto info = look_at(path);
    if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode)) {
      throw Error("read '" + path.string() + "': neither a file nor a directory");
    }
    const auto inode =
        tree.add(S_ISDIR(info.st_mode), info.st_mode & 07777, info.st_uid, info.st_gid);
    tree.place(parent, path.filename().string(), inode);
    if (!tree.is_directory(inode)) {
      tree.at(inode).content = std::make_shared<const Content>(content_of(path));
      return;
    }
    for (const auto& entry : fs::directory_iterator(path)) take(entry.path(), inode);
  };
  for (const auto& part : disk.parts) {
    if (fs::exists(disk.root / part)) take(disk.root / part, disk_root);
  }
  return tree;
}

void DiskTree::forget_names(Inode directory, Inode inode) {
  std::erase_if(at(directory).entries, [&](const auto& entry) { return entry.second == inode; });
}

void DiskTree::forget_name(Inode directory, const std::string& name, Inode inode) {
  auto& entries = at(directory).entries;
  const auto entry = entries.find(name);
  if (entry != entries.end() && entry->second == inode) entries.erase(entry);
}

void DiskTree::place(Inode directory, const std::string& name, Inode inode) {
  at(directory).entries[name] = inode;
}

void DiskTree::apply(const DiskChange& change) {
  using Kind = DiskChange::Kind;
  switch (change.kind) {
    case Kind::Make:
      place(change.directory, change.name, change.inode);
      return;
    case Kind::Remove:
      forget_name(change.directory, change.name, change.inode);
      return;
    case Kind::Move:
      if (change.only_name) forget_names(change.directory, change.inode);
      forget_name(change.directory, change.other_name, change.inode);
      place(change.directory, change.name, change.inode);
      return;
    case Kind::Exchange:
      forget_names(change.directory, change.inode);
      forget_names(change.directory, change.other);
      place(change.directory, change.name, change.inode);
      place(change.directory, change.other_name, change.other);
      return;
    case Kind::Write:
      apply_torn(change, 0, change.bytes.size());
      return;
    case Kind::Resize: {
      auto bytes = at(change.inode).content->bytes;
      bytes.resize(change.offset, '\0');
      at(change.inode).content = std::make_shared<const Content>(std::move(bytes));
      return;
    }
    case Kind::Protect:
      at(change.inode).mode = change.mode;
      at(change.inode).uid = change.uid;
      at(change.inode).gid = change.gid;
      return;
  }
}

void DiskTree::apply_torn(const DiskChange& write, std::size_t from, std::size_t to) {
  auto bytes = at(write.inode).content->bytes;
  bytes.resize(std::max(bytes.size(), write.offset + to), '\0');
  bytes.replace(write.offset + from, to - from, write.bytes, from, to - from);
  at(write.inode).content = std::make_shared<const Content>(std::move(bytes));
}

std::optional<Inode> DiskTree::find(const fs::path& path) const {
  Inode here = disk_root;
  for (const auto& part : path) {
    const auto entry = at(here).entries.find(part.string());
    if (entry == at(here).entries.end()) return std::nullopt;
    here = entry->second;
  }
  return here;
}

std::string_view DiskTree::content(const fs::path& path) const {
  const auto inode = find(path);
  return inode ? std::string_view(at(*inode).content->bytes) : std::string_view();
}

bool DiskTree::is_directory(Inode inode) const { return at(inode).is_directory; }

mode_t DiskTree::mode(Inode inode) const { return at(inode).mode; }

uid_t DiskTree::owner(Inode inode) const { return at(inode).uid; }

std::uint64_t DiskTree::size(Inode inode) const { return at(inode).content->bytes.size(); }

template <class Visit>
void DiskTree::walk(Inode from, const fs::path& path, Visit visit) const {
  visit(from, path);
  for (const auto& [name, inode] : at(from).entries) walk(inode, path / name, visit);
}

void DiskTree::reach(Inode inode, std::vector<bool>& reached) const {
  reached.resize(nodes_.size());
  walk(inode, "",
       [&](Inode below, const fs::path&) { reached[static_cast<std::size_t>(below)] = true; });
}

Digest DiskTree::digest() const {
  std::string text;
  const std::function<void(Inode)> take = [&](Inode inode) {
    const auto& node = at(inode);
    const std::uint64_t facts[] = {
        node.is_directory,          node.mode,          node.uid,           node.gid,
        node.content->bytes.size(), node.content->hash, node.entries.size()};
    text.append(reinterpret_cast<const char*>(facts), sizeof facts);
    for (const auto& [name, child] : node.entries) {
      text.append(name).push_back('\0');
      take(child);
    }
  };
  take(disk_root);
  return sha256(text);
}

void DiskTree::write_to(const Disk& disk) const {
  for (const auto& part : disk.parts) fs::remove_all(disk.root / part);
  walk(disk_root, disk.root, [&](Inode inode, const fs::path& path) {
    if (inode == disk_root) return;
    const auto& node = at(inode);
    if (!node.is_directory) {
      put_file(path, node.content->bytes);
    } else if (::mkdir(path.c_str(), 0700) != 0) {
      throw_errno("create directory", path);
    }
    if (::chown(path.c_str(), node.uid, node.gid) != 0) throw_errno("set the owner of", path);
    if (::chmod(path.c_str(), node.mode) != 0) throw_errno("set the mode of", path);
  });
}

boost::json::array DiskTree::to_json() const {
  boost::json::array all;
  for (const auto& node : nodes_) {
    boost::json::object entries;
    for (const auto& [name, inode] : node.entries) entries[name] = inode;
    all.push_back({{"directory", node.is_directory},
                   {"mode", node.mode},
                   {"uid", node.uid},
                   {"gid", node.gid},
                   {"content", node.content->bytes},
                   {"entries", std::move(entries)}});
  }
  return all;
}

DiskTree DiskTree::from_json(const boost::json::value& value) {
  DiskTree tree;
  tree.nodes_.clear();
  for (const auto& one : value.as_array()) {
    Node node;
    node.is_directory = one.at("directory").as_bool();
    node.mode = one.at("mode").to_number<mode_t>();
    node.uid = one.at("uid").to_number<uid_t>();
    node.gid = one.at("gid").to_number<gid_t>();
    node.content = std::make_shared<const Content>(std::string(one.at("content").as_string()));
    for (const auto& [name, inode] : one.at("entries").as_object()) {
      node.entries[std::string(name)] = inode.to_number<Inode>();
    }
    tree.nodes_.push_back(std::move(node));
  }
  return tree;
}

std::string DiskTree::listing() const {
  std::string text;
  walk(disk_root, ".", [&](Inode inode, const fs::path& path) {
    const auto& node = at(inode);
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", node.mode);
    const auto size = node.is_directory ? "/" : " " + std::to_string(node.content->bytes.size());
    text += std::string(mode) + " " + path.string() + size + "\n";
  });
  return text;
}

}  // namespace kongfleet::power
