// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_plan.hpp"

#include "proto/error.hpp"

#include <boost/json.hpp>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

json::object json_of(const RolloutRules& rules) {
  return {{"wave_ends", json::value_from(rules.wave_ends)},
          {"bake_ms", rules.bake.count()},
          {"max_unavailable", rules.max_unavailable},
          {"max_failures", rules.max_failures},
          {"pause", rules.when_failed == WhenFailed::Pause}};
}

json::object json_of(const HostReach& reach) {
  json::object object{{"address", reach.address},
                      {"identity_files", json::value_from(reach.identity_files)}};
  if (reach.port) object["port"] = *reach.port;
  if (reach.user) object["user"] = *reach.user;
  return object;
}

json::object json_of(const FleetHost& host) {
  json::object object{{"name", host.name},
                      {"agent", host.agent_command},
                      {"groups", json::value_from(host.groups)},
                      {"plugins", json::value_from(host.plugins)},
                      {"probes", json::value_from(host.probes)}};
  if (host.port) object["port"] = *host.port;
  if (host.reach != HostReach()) object["reach"] = json_of(host.reach);
  return object;
}

json::object json_of(const ProbeSpec& probe) {
  json::object object{{"name", probe.name},
                      {"tcp", probe.type == ProbeType::Tcp},
                      {"url", probe.url},
                      {"status", probe.status},
                      {"header", json::value_from(probe.header)},
                      {"body", probe.body},
                      {"address", probe.address},
                      {"interval_ms", probe.interval.count()},
                      {"timeout_ms", probe.timeout.count()},
                      {"successes", probe.successes}};
  // What earlier versions remember has none of this.
  if (probe.type == ProbeType::Smoke) {
    object["smoke"] = {
        {"plugin", probe.plugin}, {"config", probe.config}, {"introduce", probe.introduce}};
  }
  return object;
}

template <class T>
T get(const json::object& object, const char* key) {
  return json::value_to<T>(object.at(key));
}

std::chrono::milliseconds get_ms(const json::object& object, const char* key) {
  return std::chrono::milliseconds(get<std::int64_t>(object, key));
}

using Texts = std::vector<std::string>;

RolloutRules rules_of(const json::object& object) {
  RolloutRules rules;
  rules.wave_ends = get<std::vector<std::size_t>>(object, "wave_ends");
  rules.bake = get_ms(object, "bake_ms");
  rules.max_unavailable = get<std::size_t>(object, "max_unavailable");
  rules.max_failures = get<std::size_t>(object, "max_failures");
  rules.when_failed = get<bool>(object, "pause") ? WhenFailed::Pause : WhenFailed::TakeBack;
  return rules;
}

HostReach reach_of(const json::object& object) {
  HostReach reach;
  reach.address = get<std::string>(object, "address");
  reach.identity_files = get<Texts>(object, "identity_files");
  if (object.contains("port")) reach.port = get<std::uint16_t>(object, "port");
  if (object.contains("user")) reach.user = get<std::string>(object, "user");
  return reach;
}

FleetHost host_of(const json::object& object) {
  FleetHost host;
  host.name = get<std::string>(object, "name");
  if (object.contains("port")) host.port = get<std::uint16_t>(object, "port");
  if (object.contains("reach")) host.reach = reach_of(object.at("reach").as_object());
  host.agent_command = get<std::string>(object, "agent");
  host.groups = get<Texts>(object, "groups");
  host.plugins = get<Texts>(object, "plugins");
  host.probes = get<Texts>(object, "probes");
  return host;
}

ProbeSpec probe_of(const json::object& object) {
  ProbeSpec probe;
  probe.name = get<std::string>(object, "name");
  probe.type = get<bool>(object, "tcp") ? ProbeType::Tcp : ProbeType::Http;
  probe.url = get<std::string>(object, "url");
  probe.status = get<unsigned>(object, "status");
  probe.header = get<std::vector<std::pair<std::string, std::string>>>(object, "header");
  probe.body = get<std::string>(object, "body");
  probe.address = get<std::string>(object, "address");
  probe.interval = get_ms(object, "interval_ms");
  probe.timeout = get_ms(object, "timeout_ms");
  probe.successes = get<unsigned>(object, "successes");
  if (const auto* smoke = object.if_contains("smoke")) {
    probe.type = ProbeType::Smoke;
    probe.plugin = get<std::string>(smoke->as_object(), "plugin");
    probe.config = get<std::string>(smoke->as_object(), "config");
    probe.introduce = get<bool>(smoke->as_object(), "introduce");
  }
  return probe;
}

template <class T>
json::array array_of(const std::vector<T>& items) {
  json::array array;
  for (const auto& item : items) array.push_back(json_of(item));
  return array;
}

RolloutPlan plan_of(const json::object& object) {
  RolloutPlan plan;
  plan.rules = rules_of(object.at("rules").as_object());
  plan.deadline = get_ms(object, "deadline_ms");
  plan.confirm_timeout = get_ms(object, "confirm_timeout_ms");
  for (const auto& host : object.at("hosts").as_array()) {
    plan.hosts.push_back(host_of(host.as_object()));
  }
  for (const auto& probe : object.at("probes").as_array()) {
    plan.probes.push_back(probe_of(probe.as_object()));
  }
  return plan;
}

}  // namespace

std::string text_of(const RolloutPlan& plan) {
  const json::object object{{"rules", json_of(plan.rules)},
                            {"deadline_ms", plan.deadline.count()},
                            {"confirm_timeout_ms", plan.confirm_timeout.count()},
                            {"hosts", array_of(plan.hosts)},
                            {"probes", array_of(plan.probes)}};
  return json::serialize(object);
}

RolloutPlan read_plan(const std::string& text) {
  try {
    return plan_of(json::parse(text).as_object());
  } catch (const std::exception& error) {
    throw Error(std::string("what is remembered of the rollout can't be read: ") + error.what());
  }
}

}  // namespace kongfleet::controller
