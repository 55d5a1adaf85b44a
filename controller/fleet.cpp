// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet.hpp"

#include "controller/host_pattern.hpp"
#include "proto/error.hpp"

#include <algorithm>

namespace kongfleet::controller {

std::string FleetHost::label() const { return label_of(name, port); }

const FleetPlugin& Fleet::plugin(const std::string& plugin_name) const {
  for (const auto& plugin : plugins) {
    if (plugin.name.text() == plugin_name) return plugin;
  }
  throw Error("fleet: there is no plugin '" + plugin_name + "'");
}

const ProbeSpec& Fleet::probe(const std::string& probe_name) const {
  for (const auto& probe : probes) {
    if (probe.name == probe_name) return probe;
  }
  throw Error("fleet: there is no probe '" + probe_name + "'");
}

std::vector<ProbeSpec> Fleet::probes_of(const FleetHost& host) const {
  std::vector<ProbeSpec> found;
  for (const auto& each : host.probes) {
    auto spec = probe(each);
    const bool any_plugin = spec.type == ProbeType::Smoke && spec.plugin.empty();
    if (any_plugin && !host.plugins.empty()) spec.plugin = host.plugins.front();
    found.push_back(std::move(spec));
  }
  return found;
}

}  // namespace kongfleet::controller
