// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/selector.hpp"

#include "controller/ssh_pattern.hpp"
#include "controller/suggestion.hpp"
#include "proto/error.hpp"

#include <algorithm>
#include <string_view>

namespace kongfleet::controller {

namespace {

using Chosen = std::vector<bool>;  // one for each host of the fleet

// "edge-03" for "edge-03.example.net"; not "10.0" for 10.0.0.7.
bool front_part(std::string_view selector, std::string_view name) {
  const bool has_letter = std::any_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  return has_letter && name.find(':') == std::string_view::npos && !selector.empty() &&
         name.size() > selector.size() && name.starts_with(selector) &&
         name[selector.size()] == '.';
}

std::vector<std::string> known_names(const Fleet& fleet) {
  std::vector<std::string> names;
  for (const auto& group : fleet.groups) names.push_back(group.name);
  for (const auto& host : fleet.hosts) {
    names.push_back(host.label());
    names.push_back(host.name);
    names.push_back(host.name.substr(0, host.name.find('.')));
  }
  return names;
}

template <class Predicate>
Chosen choose(const Fleet& fleet, Predicate matches) {
  Chosen chosen(fleet.hosts.size());
  for (std::size_t i = 0; i < fleet.hosts.size(); ++i) chosen[i] = matches(fleet.hosts[i]);
  return chosen;
}

std::size_t count(const Chosen& chosen) {
  return static_cast<std::size_t>(std::count(chosen.begin(), chosen.end(), true));
}

void refuse_several(const Fleet& fleet, const std::string& selector, const Chosen& chosen) {
  if (count(chosen) < 2) return;
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i]) labels.push_back(fleet.hosts[i].label());
  }
  throw Error("selector '" + selector + "' stands for " + quoted_list(labels) + "; write '" +
              selector + "*' for all of them, or one's whole name");
}

Chosen match(const Fleet& fleet, const std::string& selector) {
  const auto shown = printable(selector, 200);
  if (is_pattern(selector)) {
    auto chosen = choose(fleet, [&](const FleetHost& host) {
      return pattern_matches(host.label(), selector) || pattern_matches(host.name, selector);
    });
    if (count(chosen) == 0) throw Error("selector '" + shown + "' matches no host of the fleet");
    return chosen;
  }
  const bool is_group =
      std::any_of(fleet.groups.begin(), fleet.groups.end(),
                  [&](const FleetGroup& group) { return group.name == selector; });
  if (is_group) {
    return choose(fleet, [&](const FleetHost& host) {
      return std::find(host.groups.begin(), host.groups.end(), selector) != host.groups.end();
    });
  }
  auto chosen = choose(fleet, [&](const FleetHost& host) { return host.label() == selector; });
  if (count(chosen) > 0) return chosen;
  chosen = choose(fleet, [&](const FleetHost& host) { return host.name == selector; });
  if (count(chosen) == 0) {
    chosen = choose(fleet, [&](const FleetHost& host) { return front_part(selector, host.name); });
  }
  if (count(chosen) == 0) {
    throw Error("selector '" + shown + "' is no group and no host of the fleet; " +
                did_you_mean(selector, known_names(fleet), "'kongfleet check' lists them"));
  }
  refuse_several(fleet, shown, chosen);
  return chosen;
}

}  // namespace

std::vector<const FleetHost*> select_hosts(const Fleet& fleet,
                                           const std::vector<std::string>& selectors) {
  Chosen wanted(fleet.hosts.size());
  Chosen unwanted(fleet.hosts.size());
  bool all = true;  // nothing but '!' so far
  for (const auto& selector : selectors) {
    const bool negative = selector.starts_with('!');
    const auto chosen = match(fleet, negative ? selector.substr(1) : selector);
    if (!negative) all = false;
    auto& into = negative ? unwanted : wanted;
    for (std::size_t i = 0; i < chosen.size(); ++i) into[i] = into[i] || chosen[i];
  }
  std::vector<const FleetHost*> hosts;
  for (std::size_t i = 0; i < fleet.hosts.size(); ++i) {
    if ((all || wanted[i]) && !unwanted[i]) hosts.push_back(&fleet.hosts[i]);
  }
  if (hosts.empty()) throw Error("the selectors leave no host of the fleet");
  return hosts;
}

}  // namespace kongfleet::controller
