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

}  // namespace kongfleet::controller
