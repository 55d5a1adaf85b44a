// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/smoke.hpp"

#include "agent/kong_conf.hpp"
#include "agent/kong_json.hpp"
#include "proto/names.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

namespace kongfleet::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t message_max = 500;  // of Kong's own words
constexpr int upstream_ms = 5000;         // the upstream is the agent itself, on this host

/// The member `message` of an answer, which all of Kong's errors have; else nothing.
std::string message_in(const std::string& body) {
  json::error_code error;
  const json::value document = json::parse(body, error);
  return printable(json_text(json_member(&document, "message")).value_or(""), message_max);
}

json::array tags_of(const SmokeNames& names) {
  return {json::string(smoke_tag), json::string(names.tag)};
}

bool lists(const std::vector<std::string>& plugins, const std::string& name) {
  return std::find(plugins.begin(), plugins.end(), name) != plugins.end();
}

bool was_in_use(const ProbeSpec& probe, const SmokeGround& ground) {
  return lists(split_list(ground.effective_plugins), probe.plugin) ||
         lists(ground.answer.root.in_use.value_or(std::vector<std::string>()), probe.plugin);
}

}  // namespace

SmokeNames::SmokeNames(const std::string& id)
    : tag(std::string(smoke_tag) + "-" + id),
      host(id + ".kongfleet.invalid"),
      path("/" + std::string(smoke_tag) + "-" + id) {}

std::vector<AdminCall> smoke_entities(const SmokeNames& names, const ProbeSpec& probe,
                                      std::uint16_t upstream) {
  const json::object service{{"name", names.tag},
                             {"protocol", "http"},
                             {"host", "127.0.0.1"},
                             {"port", upstream},
                             {"retries", 0},
                             {"connect_timeout", upstream_ms},
                             {"write_timeout", upstream_ms},
                             {"read_timeout", upstream_ms},
                             {"tags", tags_of(names)}};
  const json::object headers{{smoke_header, json::array{json::string(names.tag)}}};
  const json::object route{{"name", names.tag},
                           {"protocols", json::array{"http"}},
                           {"methods", json::array{"GET"}},
                           {"hosts", json::array{json::string(names.host)}},
                           {"paths", json::array{json::string(names.path)}},
                           {"headers", headers},
                           {"tags", tags_of(names)}};
  const json::object plugin{
      {"name", probe.plugin},
      {"config", probe.config.empty() ? json::value(json::object()) : json::parse(probe.config)},
      {"tags", tags_of(names)}};
  const std::string of_service = "/services/" + names.tag;
  return {{"POST", "/services", json::serialize(service)},
          {"POST", of_service + "/routes", json::serialize(route)},
          {"POST", of_service + "/plugins", json::serialize(plugin)}};
}

SmokeReading judge_created(const AdminCall& call, const HttpResult& result) {
  using Made = SmokeReading::Sign;
  if (!result.response) return {Made::Unknown, result.error};
  const auto status = result.response->status;
  if (status == 201) return {Made::Created, ""};
  const auto message = message_in(result.response->body);
  const auto said = message.empty() ? "" : ": " + message;
  if (status == 400 && call.path.ends_with("/plugins") && !message.empty())
    return {Made::Rejected, "Kong rejects the plugin's configuration" + said};
  return {Made::Unknown, call.method + " " + call.path + " of the Admin API answers " +
                             std::to_string(status) + said};
}

std::optional<std::vector<std::string>> ids_in(const HttpResult& result) {
  if (!result.response || result.response->status != 200) return std::nullopt;
  json::error_code error;
  const json::value document = json::parse(result.response->body, error);
  return json_list<std::string>(json_member(&document, "data"), [](const json::value* entity) {
    return json_text(json_member(entity, "id"));
  });
}

bool not_routed(const HttpResponse& response) {
  return response.status == 404 && message_in(response.body).starts_with("no Route matched");
}

std::optional<SmokeObjection> smoke_objection(const ProbeSpec& probe, const SmokeGround& ground) {
  if (ground.role == "control_plane" || ground.role == "data_plane")
    return SmokeObjection{
        "Kong is a " + std::string(ground.role == "data_plane" ? "data" : "control") +
            " plane here, and a smoke test needs Admin API and traffic on one node",
        "use a probe of type \"http\""};
  if (ground.admin.empty())
    return SmokeObjection{"Kong has no Admin API here that speaks plain HTTP",
                          "give admin_listen one on 127.0.0.1, or use a probe of type \"http\""};
  if (ground.answer.kind == AdminAnswer::Kind::Forbidden)
    return SmokeObjection{ground.answer.text + ": it wants a token, and the agent has none",
                          "use a probe of type \"http\""};
  if (ground.answer.kind != AdminAnswer::Kind::Told)
    return SmokeObjection{ground.answer.text,
                          "have Kong's Admin API answer, or take the probe away"};
  if (ground.answer.root.database.value_or("off") == "off")
    return SmokeObjection{
        "Kong runs without a database here, so that its Admin API takes no entities",
        "have a route for the test in the declarative configuration, and a probe of type \"http\" "
        "that asks for it"};
  if (ground.proxy.empty())
    return SmokeObjection{"Kong has no listener for traffic here that speaks plain HTTP",
                          "give proxy_listen one on 127.0.0.1"};
  if (!probe.introduce && !was_in_use(probe, ground))
    return SmokeObjection{
        "nothing uses '" + printable(probe.plugin, message_max) +
            "' yet: what a smoke test creates is seen by every node of the database, and one that "
            "has not the plugin neither loads a change nor starts meanwhile",
        "roll the plugin out without this probe first; or write introduce = true where no other "
        "node shares the database"};
  return std::nullopt;
}

}  // namespace kongfleet::agent
