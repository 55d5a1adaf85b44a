// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/digest.hpp"

#include <boost/json/fwd.hpp>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::power {

/// A file or directory of a DiskTree; it keeps its number whatever its name.
using Inode = int;
constexpr Inode disk_root = 0;

/// One change of what a disk holds. A name is an entry of a directory and leads to an inode; a
/// change of a name says which inode it leads to afterwards, so that it means the same whichever
/// changes before it were lost.
struct DiskChange {
  enum class Kind {
    Make,      // `inode` has `name` in `directory`: a new one, or another name
    Remove,    // and has it no more
    Move,      // it has `name` instead of `other_name`
    Exchange,  // the same, and the inode `other` has `other_name`
    Write,     // `bytes` at `offset` of `inode`
    Resize,    // `inode` is `offset` bytes long
    Protect,   // `inode` has `mode`, `uid` and `gid`
  };
  Kind kind = Kind::Write;
  Inode inode = -1;
  Inode directory = -1;
  std::string name;
  Inode other = -1;
  std::string other_name;
  bool only_name = true;  // a Move's: the inode never had two names at once
  std::uint64_t offset = 0;
  std::string bytes;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;

  /// A change of a name is one of `directory`, every other one of `inode`.
  bool is_name() const { return kind <= Kind::Exchange; }
};

/// What is looked at as a disk: some of a directory's entries, with all that is in them but what
/// nothing depends on.
struct Disk {
  std::filesystem::path root;
  std::vector<std::string> parts;
  std::vector<std::string> ignored;  // what the paths of such things begin with, below root

  /// `path` relative to the root ("": the root itself); nothing where it is no part of the disk.
  std::optional<std::filesystem::path> inside(const std::filesystem::path& path) const;
};

/// What a disk holds. Copies share the contents of files: cheap to take.
class DiskTree {
public:
  /// An empty root.
  DiskTree();
  /// What is there: directories and regular files. Throws Error for anything else.
  static DiskTree read(const Disk& disk);

  /// Never fails: what a change finds gone, it leaves gone.
  void apply(const DiskChange& change);
  /// Writes only `bytes[from, to)` of a Write: one that power loss tore. The file is as long as if
  /// all up to `to` had been written.
  void apply_torn(const DiskChange& write, std::size_t from, std::size_t to);

  /// The inode at `path`, relative to the root ("a/b"; "" is the root), or nothing.
  std::optional<Inode> find(const std::filesystem::path& path) const;
  /// The content of the file at `path`; empty where there is none.
  std::string_view content(const std::filesystem::path& path) const;
  bool is_directory(Inode inode) const;
  mode_t mode(Inode inode) const;
  uid_t owner(Inode inode) const;
  std::uint64_t size(Inode inode) const;
  /// Adds `inode`, and what lies below it, to those that can be reached; by inode.
  void reach(Inode inode, std::vector<bool>& reached) const;
  Inode inodes() const { return static_cast<Inode>(nodes_.size()); }
  /// Adds an inode without a name, for a Make to come.
  Inode add(bool is_directory, mode_t mode, uid_t uid, gid_t gid);

  /// Two trees with one digest hold the same names, contents, modes and owners.
  Digest digest() const;
  /// Makes the disk hold this tree. Throws Error.
  void write_to(const Disk& disk) const;
  boost::json::array to_json() const;
  /// What to_json() made. Throws for anything else.
  static DiskTree from_json(const boost::json::value& value);
  /// Every path with its size and mode, for people.
  std::string listing() const;

private:
  struct Content {
    explicit Content(std::string text);
    std::string bytes;
    std::uint64_t hash;
  };
  struct Node {
    bool is_directory = false;
    mode_t mode = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::shared_ptr<const Content> content;
    std::map<std::string, Inode> entries;
  };
  Node& at(Inode inode) { return nodes_[static_cast<std::size_t>(inode)]; }
  const Node& at(Inode inode) const { return nodes_[static_cast<std::size_t>(inode)]; }
  void forget_name(Inode directory, const std::string& name, Inode inode);
  void forget_names(Inode directory, Inode inode);
  void place(Inode directory, const std::string& name, Inode inode);
  template <class Visit>
  void walk(Inode from, const std::filesystem::path& path, Visit visit) const;

  std::vector<Node> nodes_;
};

}  // namespace kongfleet::power
