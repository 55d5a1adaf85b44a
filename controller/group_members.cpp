// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/group_members.hpp"

#include "controller/ssh_pattern.hpp"
#include "controller/suggestion.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <iterator>

namespace kongfleet::controller {

namespace {

constexpr std::size_t nesting_max = 32;  // groups in groups; more is no one's intention
constexpr std::size_t members_bytes_max = std::size_t{128} << 20;  // a million hosts in all groups
constexpr std::size_t comparisons_max = 20'000'000;                // of hosts with what is excluded
const std::string hosts_example = R"(hosts = ["edge-[01-20].example.net"])";

std::string head(const std::string& group) { return "[groups." + group + "]"; }

const std::string& text_of(const TomlValue& value) { return std::get<std::string>(value.data); }

bool is_excluded(const PatternHost& host, const std::string& pattern,
                 const std::vector<PatternHost>& excluded) {
  const auto label = label_of(host.name, host.port);
  if (is_pattern(pattern))
    return pattern_matches(label, pattern) || pattern_matches(host.name, pattern);
  return std::any_of(excluded.begin(), excluded.end(), [&](const PatternHost& one) {
    return one.name == host.name && (!one.port || one.port == host.port);
  });
}

}  // namespace

GroupMembers::GroupMembers(const TomlDocument& document, const TomlTable& groups,
                           const Inventory* inventory)
    : document_(document), groups_(groups), inventory_(inventory) {}

const std::vector<GroupMember>& GroupMembers::of(const std::string& group) { return of(group, {}); }

const std::vector<GroupMember>& GroupMembers::of(const std::string& group, TomlPosition asked) {
  const auto known = known_.find(group);
  if (known != known_.end()) return known->second;
  const auto entry = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const TomlEntry& one) { return one.key == group; });
  if (entry == groups_.end()) {
    std::vector<std::string> names;
    for (const auto& one : groups_) names.push_back(one.key);
    const auto advice = inventory_ != nullptr && inventory_->groups.contains(group)
                            ? "a group of the inventory is named hosts = [\"@" + group + "\"]"
                            : did_you_mean(group, names, "the groups are " + quoted_list(names));
    document_.fail(asked, "there is no group '" + printable(group, 100) + "'; " + advice);
  }
  const auto above = std::find(path_.begin(), path_.end(), group);
  if (above != path_.end()) {
    std::string circle;
    for (auto one = above; one != path_.end(); ++one) circle += "'" + *one + "' takes in ";
    document_.fail(asked,
                   "groups take each other in: " + circle + "'" + group + "'; leave this one out");
  }
  if (path_.size() == nesting_max) {
    document_.fail(asked, "groups take in groups more than 32 deep; name the hosts' groups here");
  }
  path_.push_back(group);
  auto members = read(*entry);
  path_.pop_back();
  return known_.emplace(group, std::move(members)).first->second;
}

std::vector<GroupMember> GroupMembers::read(const TomlEntry& entry) {
  const TomlFields fields(document_, entry.value, head(entry.key));
  if (fields.find("groups") == nullptr) {
    const bool same_name = inventory_ != nullptr && inventory_->groups.contains(entry.key);
    const auto example = same_name ? "hosts = [\"@" + entry.key + "\"]" : hosts_example;
    [[maybe_unused]] const auto& needed = fields.need("hosts", example);
  }
  std::vector<GroupMember> members;
  add_hosts(fields, members);
  add_groups(fields, members);
  exclude(fields, members);
  return members;
}

void GroupMembers::spend_memory(const std::vector<GroupMember>& members, TomlPosition at) {
  for (const auto& member : members) bytes_ += sizeof member + member.host.name.size();
  if (bytes_ <= members_bytes_max) return;
  document_.fail(at,
                 "here the groups have more hosts together than can be held; a host counts in "
                 "each group that takes it in");
}

void GroupMembers::spend_comparisons(std::size_t count, TomlPosition at) {
  comparisons_ += count;
  if (comparisons_ <= comparisons_max) return;
  document_.fail(at,
                 "here 'exclude' has more to compare than can be waited for; exclude whole "
                 "ranges or patterns");
}

void GroupMembers::add_hosts(const TomlFields& fields, std::vector<GroupMember>& members) {
  const auto* value = fields.find("hosts");
  if (value == nullptr) return;
  const auto patterns = read_text_list(document_, *value, "hosts", hosts_example);
  if (patterns.empty()) {
    document_.fail(value->at, "found no host in " + fields.what() + "; write " + hosts_example);
  }
  for (const auto* pattern : patterns) {
    std::vector<GroupMember> more;
    for (auto& host : named(*pattern)) more.push_back({std::move(host), pattern->at});
    spend_memory(more, pattern->at);
    std::move(more.begin(), more.end(), std::back_inserter(members));
  }
}

void GroupMembers::add_groups(const TomlFields& fields, std::vector<GroupMember>& members) {
  const auto* value = fields.find("groups");
  if (value == nullptr) return;
  const std::string example = R"(groups = ["edge", "lab"])";
  const auto names = read_text_list(document_, *value, "groups", example);
  if (names.empty()) {
    document_.fail(value->at, "found no group in " + fields.what() + "; write " + example);
  }
  for (const auto* name : names) {
    const auto& more = of(text_of(*name), name->at);
    spend_memory(more, name->at);
    members.insert(members.end(), more.begin(), more.end());
  }
}

// What excludes nothing is refused: a host that was to be spared would not be.
void GroupMembers::exclude(const TomlFields& fields, std::vector<GroupMember>& members) {
  const auto* value = fields.find("exclude");
  if (value == nullptr) return;
  const auto all = members;
  for (const auto* pattern :
       read_text_list(document_, *value, "exclude", R"(exclude = ["edge-03", "lab-*"])")) {
    const auto& text = text_of(*pattern);
    const auto excluded = is_pattern(text) ? std::vector<PatternHost>{} : named(*pattern);
    spend_comparisons(all.size() * (excluded.size() + 1), pattern->at);
    const auto matches = [&](const GroupMember& member) {
      return is_excluded(member.host, text, excluded);
    };
    if (std::none_of(all.begin(), all.end(), matches)) {
      std::vector<std::string> labels;
      for (const auto& member : all) labels.push_back(label_of(member.host.name, member.host.port));
      document_.fail(pattern->at, "found \"" + printable(text, 100) +
                                      "\" in 'exclude', which excludes no host of " +
                                      fields.what() + "; " +
                                      did_you_mean(text, labels, "leave it out"));
    }
    members.erase(std::remove_if(members.begin(), members.end(), matches), members.end());
  }
  if (members.empty()) {
    document_.fail(value->at, "'exclude' leaves no host in " + fields.what());
  }
}

std::vector<PatternHost> GroupMembers::named(const TomlValue& value) const {
  const auto& text = text_of(value);
  if (text.starts_with('@')) return of_inventory(value);
  try {
    return expand_host_pattern(text);
  } catch (const BadHostPattern& error) {
    document_.fail(document_.inside(value, error.offset()), error.what());
  }
}

std::vector<PatternHost> GroupMembers::of_inventory(const TomlValue& value) const {
  const auto group = text_of(value).substr(1);
  if (inventory_ == nullptr) {
    document_.fail(value.at, "found \"@" + printable(group, 100) +
                                 "\", a group of an inventory, and the file has no [inventory]");
  }
  const auto found = inventory_->groups.find(group);
  if (found == inventory_->groups.end()) {
    std::vector<std::string> names;
    for (const auto& [name, hosts] : inventory_->groups) names.push_back(name);
    document_.fail(value.at, inventory_->name + " has no group '" + printable(group, 100) + "'; " +
                                 did_you_mean(group, names, "it has " + quoted_list(names)));
  }
  if (found->second.empty()) {
    document_.fail(
        value.at, "the group '" + printable(group, 100) + "' of " + inventory_->name + " is empty");
  }
  std::vector<PatternHost> hosts;
  for (const auto& name : found->second) {
    const bool address = name.find(':') != std::string::npos && !name.starts_with('[');
    try {
      const auto one = expand_host_pattern(address ? "[" + name + "]" : name);
      if (one.size() == 1 && !one.front().port) {
        hosts.push_back(one.front());
        continue;
      }
    } catch (const BadHostPattern&) {  // told below
    }
    document_.fail(value.at, "the group '" + printable(group, 100) + "' of " + inventory_->name +
                                 " has a host '" + printable(name, 100) +
                                 "'; a host's name has letters, digits, '.', '-' and '_', and "
                                 "begins with a letter or a digit");
  }
  return hosts;
}

}  // namespace kongfleet::controller
