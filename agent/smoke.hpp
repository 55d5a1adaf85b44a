// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/http_client.hpp"
#include "agent/kong_admin.hpp"
#include "proto/probe_spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

// The smoke test: what Kong's guide on plugins has one do by hand. A service, a route to it, the
// plugin on the service; a request, and a look at what the plugin made of it. Here is what of it is
// decided; smoke_run.hpp is its order, smoke_node.cpp what really happens.
//
// What it creates is in Kong's database, and so on every node that shares it. Measured with Kong
// 2.8.5 and PostgreSQL: a node that has not the plugin keeps its plugins as they were and can't
// load any change while the entity is there, rejects every reload, and does not start ("plugin is
// in use but not enabled"). So nothing is created unless the plugin was in use before: then every
// node has it, and an entity that outlives its agent harms none. `introduce` says otherwise.

/// What one smoke test calls its own; no other one, and no real traffic, has these names.
struct SmokeNames {
  std::string tag;   // of every entity, and the name of the service and of the route
  std::string host;  // under .invalid, which nobody's name is (RFC 2606)
  std::string path;
  /// `id` must be letters and digits, and nobody else's.
  explicit SmokeNames(const std::string& id);
};

/// What is the tag of all smoke tests, for whoever looks for what they left.
constexpr std::string_view smoke_tag = "kongfleet-smoke";
/// The header that the route asks for besides host, path and method. A route that asks for more is
/// preferred by Kong: a real one that would match the request gets it not.
constexpr std::string_view smoke_header = "X-Kongfleet-Smoke";

/// One question to the Admin API.
struct AdminCall {
  std::string method;
  std::string path;
  std::string body;
};

/// What has to be created, in this order.
std::vector<AdminCall> smoke_entities(const SmokeNames& names, const ProbeSpec& probe,
                                      std::uint16_t upstream);

/// What came of creating one.
struct SmokeReading {
  enum class Sign {
    Created,
    Rejected,  // Kong finds the plugin's configuration wrong: a verdict
    Unknown    // nothing was learned of the plugin
  };
  Sign sign = Sign::Unknown;
  std::string why;
};
SmokeReading judge_created(const AdminCall& call, const HttpResult& result);

/// The ids in an answer to GET /plugins?tags=…; nothing where it is none.
std::optional<std::vector<std::string>> ids_in(const HttpResult& result);

/// Whether that is Kong's word for a route that it does not know (yet).
bool not_routed(const HttpResponse& response);

/// What a host offers to a smoke test, looked at before anything changes.
struct SmokeGround {
  std::string role;
  std::string admin;              // as GatewayFacts::admin
  AdminAnswer answer;             // to GET /
  std::string proxy;              // base URL of a listener for traffic, or empty
  std::string effective_plugins;  // as GatewayFacts::effective_plugins
};
/// Why `probe` can't come to a verdict there, or would do harm; empty: it may be run.
struct SmokeObjection {
  std::string text;
  std::string advice;
};
std::optional<SmokeObjection> smoke_objection(const ProbeSpec& probe, const SmokeGround& ground);

}  // namespace kongfleet::agent
