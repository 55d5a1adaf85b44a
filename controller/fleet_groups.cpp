// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/answer.hpp"
#include "controller/fleet_sections.hpp"
#include "controller/group_members.hpp"
#include "controller/suggestion.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace kongfleet::controller {

namespace {

constexpr std::size_t fleet_hosts_max =
    100'000;  // what the controller's own work is measured up to
constexpr std::size_t assigned_max = 2'000'000;
constexpr std::uint16_t ssh_port = 22;
constexpr std::string_view default_agent = "kongfleet-agent connect";
constexpr std::size_t agent_command_max = 1000;

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

/// Puts groups together into hosts, each once.
class GroupReader {
public:
  GroupReader(const TomlDocument& document, const TomlTable& groups, const Inventory* inventory,
              Fleet& fleet);
  void read(const TomlEntry& entry);
  /// What can only be told when every group is known.
  void finish() const;

private:
  /// Where a host came up first, and what its groups settled so far.
  struct Origin {
    TomlPosition at;
    bool has_plugins = false;
    std::string agent_group;  // which group named an agent; empty: none
  };
  /// What a group says for all its hosts.
  struct Settings {
    std::string group;
    const TomlValue* plugins = nullptr;
    const TomlValue* probes = nullptr;
    const TomlValue* agent = nullptr;
    std::vector<std::string> plugin_names;
    std::vector<std::string> probe_names;
    std::string agent_command;
  };
  std::vector<std::string> references(const TomlValue& value, const std::string& what,
                                      const std::vector<std::string>& known) const;
  std::string agent_command(const TomlValue& value) const;
  Settings settings(const TomlFields& fields, const std::string& group) const;
  std::size_t host(const PatternHost& found, TomlPosition at);
  void apply(const Settings& settings, std::size_t index, TomlPosition at);
  void check_smoke(const FleetHost& host, TomlPosition at) const;

  const TomlDocument& document_;
  const Inventory* inventory_;
  GroupMembers members_;
  Fleet& fleet_;
  std::vector<std::string> plugin_names_;
  std::vector<std::string> probe_names_;
  std::size_t assigned_ = 0;                  // plugins and probes, over all groups and hosts
  std::vector<Origin> origins_;               // beside fleet_.hosts
  std::map<std::string, std::size_t> known_;  // by what makes two hosts the same one
  std::map<std::string, TomlPosition> group_positions_;
};

GroupReader::GroupReader(const TomlDocument& document, const TomlTable& groups,
                         const Inventory* inventory, Fleet& fleet)
    : document_(document),
      inventory_(inventory),
      members_(document, groups, inventory),
      fleet_(fleet) {
  for (const auto& plugin : fleet.plugins) plugin_names_.push_back(plugin.name.text());
  for (const auto& probe : fleet.probes) probe_names_.push_back(probe.name);
}

std::vector<std::string> GroupReader::references(const TomlValue& value, const std::string& what,
                                                 const std::vector<std::string>& known) const {
  std::vector<std::string> names;
  const auto key = what + "s";
  for (const auto* element : read_text_list(document_, value, key, key + " = [\"NAME\"]")) {
    const auto& name = std::get<std::string>(element->data);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const auto table = "[" + key + "." + printable(name, 100) + "]";
      document_.fail(element->at, "there is no " + what + " '" + printable(name, 100) + "'; " +
                                      did_you_mean(name, known, "define it in " + table));
    }
    add_once(names, name);
  }
  return names;
}

std::string GroupReader::agent_command(const TomlValue& value) const {
  const auto& text = read_text(document_, value, "agent");
  const bool good =
      text.size() <= agent_command_max && text.front() != '-' &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
  if (!good) {
    document_.fail(value.at,
                   "found \"" + printable(text, 200) +
                       "\" as the agent's command; it is plain ASCII and does not begin with '-', "
                       "as in \"kongfleet-agent connect\"");
  }
  return text;
}

GroupReader::Settings GroupReader::settings(const TomlFields& fields,
                                            const std::string& group) const {
  Settings settings{.group = group,
                    .plugins = fields.find("plugins"),
                    .probes = fields.find("probes"),
                    .agent = fields.find("agent")};
  if (settings.plugins != nullptr) {
    settings.plugin_names = references(*settings.plugins, "plugin", plugin_names_);
  }
  if (settings.probes != nullptr) {
    settings.probe_names = references(*settings.probes, "probe", probe_names_);
  }
  if (settings.agent != nullptr) settings.agent_command = agent_command(*settings.agent);
  return settings;
}

// The index of the host, new or met before under the same label.
std::size_t GroupReader::host(const PatternHost& found, TomlPosition at) {
  const auto same = lower_case(found.name) + " " + std::to_string(found.port.value_or(ssh_port));
  const auto [place, is_new] = known_.emplace(same, fleet_.hosts.size());
  if (is_new) {
    if (fleet_.hosts.size() == fleet_hosts_max) {
      document_.fail(at, "found more than 100000 hosts; split the fleet into several files");
    }
    fleet_.hosts.push_back(
        {.name = found.name, .port = found.port, .agent_command = std::string(default_agent)});
    origins_.push_back({.at = at});
    if (inventory_ != nullptr && inventory_->hosts.contains(found.name)) {
      fleet_.hosts.back().reach = inventory_->reach(found.name);
    }
    return place->second;
  }
  const auto label = label_of(found.name, found.port);
  const auto first = fleet_.hosts[place->second].label();
  if (label != first) {
    document_.fail(at, "found the host '" + label + "', which is '" + first + "' of line " +
                           std::to_string(origins_[place->second].at.line) +
                           "; write it the same way everywhere");
  }
  return place->second;
}

void GroupReader::apply(const Settings& settings, std::size_t index, TomlPosition at) {
  auto& host = fleet_.hosts[index];
  auto& origin = origins_[index];
  host.groups.push_back(settings.group);
  assigned_ += settings.plugin_names.size() + settings.probe_names.size();
  if (assigned_ > assigned_max) {
    document_.fail(at, "here the hosts have more plugins and probes together than can be held");
  }
  for (const auto& name : settings.plugin_names) add_once(host.plugins, name);
  for (const auto& name : settings.probe_names) add_once(host.probes, name);
  if (settings.plugins != nullptr) origin.has_plugins = true;
  if (settings.agent == nullptr) return;
  if (!origin.agent_group.empty() && host.agent_command != settings.agent_command) {
    document_.fail(at, "the groups '" + origin.agent_group + "' and '" + settings.group +
                           "' name different agents for the host '" + host.label() +
                           "'; a host has one agent");
  }
  host.agent_command = settings.agent_command;
  origin.agent_group = settings.group;
}

void GroupReader::read(const TomlEntry& entry) {
  check_plain_name(document_, entry.at, entry.key, "group");
  const TomlFields fields(document_, entry.value, "[groups." + entry.key + "]");
  fields.allow_only({"hosts", "groups", "exclude", "plugins", "probes", "agent"});
  const auto& members = members_.of(entry.key);
  const auto all = settings(fields, entry.key);
  FleetGroup group{.name = entry.key};
  std::set<std::size_t> seen;
  for (const auto& [found, at] : members) {
    const auto index = host(found, at);
    if (!seen.insert(index).second) continue;
    apply(all, index, at);
    group.hosts.push_back(fleet_.hosts[index].label());
  }
  group_positions_.emplace(entry.key, entry.at);
  fleet_.groups.push_back(std::move(group));
}

// A smoke test is of one plugin, which the host must have.
void GroupReader::check_smoke(const FleetHost& host, TomlPosition at) const {
  for (const auto& name : host.probes) {
    const auto& probe = fleet_.probe(name);
    if (probe.type != ProbeType::Smoke) continue;
    const auto begin = "the host '" + host.label() + "' has the smoke test '" + name + "'";
    if (probe.plugin.empty() && host.plugins.size() != 1) {
      document_.fail(at, begin + " and " + counted(host.plugins.size(), "plugin") +
                             "; write which one it is of in [probes." + name +
                             "], as in plugin = \"my-plugin\"");
    }
    const bool has = probe.plugin.empty() || std::find(host.plugins.begin(), host.plugins.end(),
                                                       probe.plugin) != host.plugins.end();
    if (!has) {
      document_.fail(at, begin + ", but not its plugin '" + probe.plugin +
                             "'; give one of its groups that plugin, or take the probe away");
    }
  }
}

void GroupReader::finish() const {
  for (std::size_t i = 0; i < fleet_.hosts.size(); ++i) {
    const auto& host = fleet_.hosts[i];
    const auto group = group_positions_.find(host.name);
    if (group != group_positions_.end()) {
      document_.fail(group->second, "the group '" + group->first +
                                        "' has the name of a host; a selector could not tell them "
                                        "apart, so rename the group");
    }
    if (!origins_[i].has_plugins) {
      document_.fail(origins_[i].at, "the host '" + host.label() +
                                         "' gets no plugins from its groups; write " +
                                         "plugins = [\"NAME\"] in [groups." + host.groups.front() +
                                         "], or plugins = [] if it is to run none");
    }
    check_smoke(host, origins_[i].at);
  }
}

}  // namespace

void read_groups(const TomlDocument& document, const TomlValue& groups, const Inventory* inventory,
                 Fleet& fleet) {
  const TomlFields fields(document, groups, "[groups]");
  GroupReader reader(document, fields.entries(), inventory, fleet);
  for (const auto& entry : fields.entries()) reader.read(entry);
  reader.finish();
}

}  // namespace kongfleet::controller
