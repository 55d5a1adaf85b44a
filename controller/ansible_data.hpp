// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/inventory.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// An inventory while it is read: groups, their children and hosts, and who sets which variable.
/// It follows Ansible's own rules (its lib/ansible/inventory/data.py): which groups a host is in at
/// the end, and whose variable counts. What it throws is an Error that begins with a `where`; also
/// where it would all be more than can be held.
class AnsibleData {
public:
  /// `name` as in Inventory::name.
  explicit AnsibleData(std::string name);

  bool has_group(const std::string& name) const { return group_index_.contains(name); }
  void add_group(const std::string& name, const std::string& where);
  /// Both groups are there. Throws when that would make a group its own descendant.
  void add_child(const std::string& group, const std::string& child, const std::string& where);
  /// `port` counts only where the host is new.
  void add_host(const std::string& host, const std::string& group,
                std::optional<std::uint16_t> port, const std::string& where);
  /// Sets a variable of the group, or where none has that name the host, called `entity`; it is
  /// there. Variables that say nothing about how a host is reached are let go.
  void set_variable(const std::string& entity, const std::string& name, InventoryValue value);
  /// The same for what files in group_vars and host_vars say, which goes before the rest.
  void set_group_file_variable(const std::string& group, const std::string& name,
                               InventoryValue value);
  void set_host_file_variable(const std::string& host, const std::string& name,
                              InventoryValue value);
  void note(std::string text) { notes_.push_back(std::move(text)); }

  std::vector<std::string> group_names() const;
  std::vector<std::string> host_names() const;

  /// Everything put together. The data is used up.
  Inventory finish();

private:
  using Index = std::size_t;
  struct Group {
    std::string name;
    std::vector<Index> hosts;
    std::vector<Index> children;
    std::vector<Index> parents;
    InventoryVariables variables;
    InventoryVariables file_variables;
    int priority = 1;
    std::size_t depth = 0;
  };
  struct Host {
    std::string name;
    std::set<Index> groups;  // those that name it
    InventoryVariables variables;
    InventoryVariables file_variables;
  };
  /// Of what an inventory may mean that is small itself: ranges, groups within groups and variables
  /// multiply. About the bytes that one more thing takes, or the time. Throws.
  void spend(std::size_t bytes, const std::string& where);
  void spend(const InventoryVariables& variables);
  std::set<Index> with_ancestors(const std::set<Index>& groups, const std::string& where);
  void join(Index host, Index group);
  void leave(Index host, Index group);
  void settle();
  void measure_depths();
  std::vector<Index> in_order(const std::set<Index>& groups) const;
  InventoryVariables variables_of(const Host& host);
  std::vector<std::string> all_hosts_of(Index group);

  std::string name_;
  std::vector<Group> groups_;
  std::vector<Host> hosts_;
  std::map<std::string, Index> group_index_;
  std::map<std::string, Index> host_index_;
  std::vector<std::string> notes_;
  std::size_t spent_ = 0;
};

}  // namespace kongfleet::controller
