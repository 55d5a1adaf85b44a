// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ansible_data.hpp"

#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace kongfleet::controller {

namespace {

constexpr std::size_t hosts_max = 200'000;  // an inventory may hold more than one fleet
constexpr std::size_t groups_max = 20'000;
constexpr std::size_t meaning_max = std::size_t{256} << 20;
constexpr std::size_t thing_bytes = 32;  // what the smallest thing takes
constexpr std::size_t all = 0;
constexpr std::size_t ungrouped = 1;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(where + ": " + what);
}

std::string in_quotes(const std::string& name) { return "'" + printable(name, 100) + "'"; }

int read_priority(const InventoryValue& value) {
  int priority = 0;
  const auto* end = value.text.data() + value.text.size();
  const auto [last, error] = std::from_chars(value.text.data(), end, priority);
  if (value.kind != InventoryValue::Kind::Text || error != std::errc() || last != end) {
    fail(value.where, "found \"" + printable(value.text, 100) +
                          "\" for ansible_group_priority; it is a whole number");
  }
  return priority;
}

void put_over(InventoryVariables& below, const InventoryVariables& above) {
  for (const auto& [name, value] : above) below[name] = value;
}

}  // namespace

void AnsibleData::spend(std::size_t bytes, const std::string& where) {
  spent_ += thing_bytes + bytes;
  if (spent_ <= meaning_max) return;
  fail(where,
       "from here on the inventory means more than can be held: ranges, groups within "
       "groups and variables multiply; split it");
}

void AnsibleData::spend(const InventoryVariables& variables) {
  for (const auto& [name, value] : variables) spend(value.text.size() + value.where.size(), name_);
}

AnsibleData::AnsibleData(std::string name) : name_(std::move(name)) {
  add_group("all", name_);
  add_group("ungrouped", name_);
  add_child("all", "ungrouped", name_);
}

void AnsibleData::add_group(const std::string& name, const std::string& where) {
  if (name.empty()) fail(where, "found an empty name for a group; a group has a name");
  if (!group_index_.emplace(name, groups_.size()).second) return;
  if (groups_.size() == groups_max) fail(where, "found more than 20000 groups");
  groups_.push_back({.name = name});
}

void AnsibleData::add_child(const std::string& group, const std::string& child,
                            const std::string& where) {
  const auto above = group_index_.at(group);
  const auto below = group_index_.at(child);
  auto& children = groups_[above].children;
  if (std::find(children.begin(), children.end(), below) != children.end()) return;
  if (with_ancestors({above}, where).contains(below)) {
    fail(where, "the group " + in_quotes(child) + " would be among its own children, by way of " +
                    in_quotes(group) + "; leave it out of one of them");
  }
  children.push_back(below);
  groups_[below].parents.push_back(above);
}

void AnsibleData::add_host(const std::string& host, const std::string& group,
                           std::optional<std::uint16_t> port, const std::string& where) {
  if (host.empty()) fail(where, "found an empty name for a host; a host has a name");
  spend(host.size(), where);
  const auto [place, is_new] = host_index_.emplace(host, hosts_.size());
  if (is_new) {
    if (hosts_.size() == hosts_max) fail(where, "found more than 200000 hosts");
    hosts_.push_back({.name = host});
    if (port) {
      hosts_.back().variables["ansible_port"] = {.text = std::to_string(*port), .where = where};
    }
  }
  join(place->second, group_index_.at(group));
}

void AnsibleData::join(Index host, Index group) {
  if (hosts_[host].groups.insert(group).second) groups_[group].hosts.push_back(host);
}

void AnsibleData::leave(Index host, Index group) {
  hosts_[host].groups.erase(group);
  auto& hosts = groups_[group].hosts;
  hosts.erase(std::remove(hosts.begin(), hosts.end(), host), hosts.end());
}

void AnsibleData::set_variable(const std::string& entity, const std::string& name,
                               InventoryValue value) {
  spend(is_reach_variable(name) ? value.text.size() + value.where.size() : 0, value.where);
  const auto group = group_index_.find(entity);
  if (group != group_index_.end() && name == "ansible_group_priority") {
    groups_[group->second].priority = read_priority(value);
  } else if (is_reach_variable(name)) {
    auto& variables = group != group_index_.end() ? groups_[group->second].variables
                                                  : hosts_[host_index_.at(entity)].variables;
    variables[name] = std::move(value);
  }
}

void AnsibleData::set_group_file_variable(const std::string& group, const std::string& name,
                                          InventoryValue value) {
  if (!is_reach_variable(name)) return;
  groups_[group_index_.at(group)].file_variables[name] = std::move(value);
}

void AnsibleData::set_host_file_variable(const std::string& host, const std::string& name,
                                         InventoryValue value) {
  if (!is_reach_variable(name)) return;
  hosts_[host_index_.at(host)].file_variables[name] = std::move(value);
}

std::vector<std::string> AnsibleData::group_names() const {
  std::vector<std::string> names;
  for (const auto& group : groups_) names.push_back(group.name);
  return names;
}

std::vector<std::string> AnsibleData::host_names() const {
  std::vector<std::string> names;
  for (const auto& host : hosts_) names.push_back(host.name);
  return names;
}

std::set<AnsibleData::Index> AnsibleData::with_ancestors(const std::set<Index>& groups,
                                                         const std::string& where) {
  std::set<Index> found = groups;
  std::vector<Index> open(groups.begin(), groups.end());
  while (!open.empty()) {
    const auto group = open.back();
    open.pop_back();
    for (const auto parent : groups_[group].parents) {
      spend(0, where);
      if (found.insert(parent).second) open.push_back(parent);
    }
  }
  return found;
}

// Every group is below 'all', and a host is in 'ungrouped' exactly when it is in no other group.
void AnsibleData::settle() {
  for (Index group = 1; group < groups_.size(); ++group) {
    if (groups_[group].parents.empty()) add_child("all", groups_[group].name, name_);
  }
  for (Index host = 0; host < hosts_.size(); ++host) {
    auto others = with_ancestors(hosts_[host].groups, name_);
    others.erase(all);
    const bool in_ungrouped = others.erase(ungrouped) > 0;
    if (in_ungrouped && !others.empty()) leave(host, ungrouped);
    if (in_ungrouped || !others.empty()) continue;
    // Where a group has the host's name Ansible takes that for the host, so we do.
    if (has_group(hosts_[host].name)) {
      add_child("ungrouped", hosts_[host].name, name_);
    } else {
      join(host, ungrouped);
    }
  }
}

// The longest way down from 'all'. There are no circles: add_child saw to that.
void AnsibleData::measure_depths() {
  std::vector<std::size_t> waiting_for(groups_.size());
  std::vector<Index> ready;
  for (Index group = 0; group < groups_.size(); ++group) {
    waiting_for[group] = groups_[group].parents.size();
    if (waiting_for[group] == 0) ready.push_back(group);
  }
  while (!ready.empty()) {
    const auto group = ready.back();
    ready.pop_back();
    for (const auto child : groups_[group].children) {
      groups_[child].depth = std::max(groups_[child].depth, groups_[group].depth + 1);
      if (--waiting_for[child] == 0) ready.push_back(child);
    }
  }
}

std::vector<AnsibleData::Index> AnsibleData::in_order(const std::set<Index>& groups) const {
  std::vector<Index> sorted(groups.begin(), groups.end());
  std::sort(sorted.begin(), sorted.end(), [&](Index a, Index b) {
    const auto& one = groups_[a];
    const auto& other = groups_[b];
    return std::tie(one.depth, one.priority, one.name) <
           std::tie(other.depth, other.priority, other.name);
  });
  return sorted;
}

// 'all' is the lowest whatever its priority; files go before the inventory, hosts before groups.
InventoryVariables AnsibleData::variables_of(const Host& host) {
  auto groups = with_ancestors(host.groups, name_);
  groups.erase(all);
  const auto sorted = in_order(groups);
  InventoryVariables variables = groups_[all].variables;
  for (const auto group : sorted) put_over(variables, groups_[group].variables);
  put_over(variables, groups_[all].file_variables);
  for (const auto group : sorted) put_over(variables, groups_[group].file_variables);
  put_over(variables, host.variables);
  put_over(variables, host.file_variables);
  spend(variables);
  return variables;
}

std::vector<std::string> AnsibleData::all_hosts_of(Index group) {
  std::vector<std::string> names;
  std::set<Index> seen_groups = {group};
  std::set<Index> seen_hosts;
  std::vector<Index> order = {group};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (const auto host : groups_[order[i]].hosts) {
      spend(hosts_[host].name.size(), name_);
      if (seen_hosts.insert(host).second) names.push_back(hosts_[host].name);
    }
    for (const auto child : groups_[order[i]].children) {
      spend(0, name_);
      if (seen_groups.insert(child).second) order.push_back(child);
    }
  }
  return names;
}

Inventory AnsibleData::finish() {
  settle();
  measure_depths();
  Inventory inventory{.name = name_, .notes = std::move(notes_)};
  for (Index group = 0; group < groups_.size(); ++group) {
    inventory.groups.emplace(groups_[group].name, all_hosts_of(group));
  }
  for (const auto& host : hosts_) inventory.hosts.emplace(host.name, variables_of(host));
  return inventory;
}

}  // namespace kongfleet::controller
