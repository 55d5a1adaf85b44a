// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_pattern.hpp"
#include "controller/inventory.hpp"
#include "controller/toml_fields.hpp"

#include <map>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// A host of a group, and where in the fleet file it is named; for a host of the inventory, where
/// the inventory's group is named.
struct GroupMember {
  PatternHost host;
  TomlPosition at;
};

/// Which hosts the groups of a fleet file have: those they name, those of the inventory's groups
/// that they name ("@web"), those of the groups they take in, and none of those they exclude. A
/// host may occur twice. Refers to all it is given, which must outlive it.
class GroupMembers {
public:
  /// `groups` is the table [groups]; `inventory` is null where the file names none.
  GroupMembers(const TomlDocument& document, const TomlTable& groups, const Inventory* inventory);

  /// The members of `group`, which is in the table; in the file's order, its own hosts first.
  /// Throws Error with file, line and column at the first mistake: a group that is nowhere, groups
  /// that take each other in, an exclusion that excludes nothing.
  const std::vector<GroupMember>& of(const std::string& group);

private:
  const std::vector<GroupMember>& of(const std::string& group, TomlPosition asked);
  std::vector<GroupMember> read(const TomlEntry& entry);
  void add_hosts(const TomlFields& fields, std::vector<GroupMember>& members);
  void add_groups(const TomlFields& fields, std::vector<GroupMember>& members);
  void exclude(const TomlFields& fields, std::vector<GroupMember>& members);
  /// Of what a file may mean that is small itself: groups multiply. `at`: what asked for more.
  void spend_memory(const std::vector<GroupMember>& members, TomlPosition at);
  void spend_comparisons(std::size_t count, TomlPosition at);
  std::vector<PatternHost> named(const TomlValue& value) const;
  std::vector<PatternHost> of_inventory(const TomlValue& value) const;

  const TomlDocument& document_;
  const TomlTable& groups_;
  const Inventory* inventory_;
  std::map<std::string, std::vector<GroupMember>> known_;
  std::size_t bytes_ = 0;
  std::size_t comparisons_ = 0;
  std::vector<std::string> path_;  // the groups that are being put together, outermost first
};

}  // namespace kongfleet::controller
