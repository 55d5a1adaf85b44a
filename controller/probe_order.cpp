// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/probe_order.hpp"

#include "proto/error.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

const char* type_name(ProbeType type) {
  switch (type) {
    case ProbeType::Tcp:
      return "tcp";
    case ProbeType::Smoke:
      return "smoke";
    case ProbeType::Http:
    case ProbeType::Command:  // no fleet file has any
      break;
  }
  return "http";
}

std::uint32_t whole_ms(std::chrono::milliseconds time) {
  return static_cast<std::uint32_t>(time.count());
}

}  // namespace

void order_probes(const Fleet& fleet, const FleetHost& host,
                  google::protobuf::RepeatedPtrField<wire::Probe>& to) {
  for (const auto& spec : fleet.probes_of(host)) {
    auto& probe = *to.Add();
    probe.set_name(spec.name);
    probe.set_type(type_name(spec.type));
    probe.set_url(spec.url);
    probe.set_status(spec.status);
    for (const auto& [header, pattern] : spec.header) {
      auto& rule = *probe.add_header();
      rule.set_name(header);
      rule.set_pattern(pattern);
    }
    probe.set_body(spec.body);
    probe.set_address(spec.address);
    probe.set_interval_ms(whole_ms(spec.interval));
    probe.set_timeout_ms(whole_ms(spec.timeout));
    probe.set_successes(spec.successes);
    probe.set_plugin(spec.plugin);
    probe.set_config(spec.config);
    probe.set_introduce(spec.introduce);
  }
}

bool knows(const wire::Welcome& welcome, std::string_view feature) {
  const auto& features = welcome.features();
  return std::find(features.begin(), features.end(), feature) != features.end();
}

void refuse_smoke(const Fleet& fleet, const FleetHost& host) {
  for (const auto& probe : fleet.probes_of(host)) {
    if (probe.type != ProbeType::Smoke) continue;
    throw Error("its agent is older than smoke tests, and the probe '" + probe.name +
                "' is one; upgrade it, as with 'kongfleet bootstrap " + host.name + "'");
  }
}

}  // namespace kongfleet::controller
