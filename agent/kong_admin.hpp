// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/http_client.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// What `GET /` of the Admin API says, of which each worker knows its own (kong-live.md section 8).
/// What is missing or of another type is nullopt.
struct AdminRoot {
  std::optional<std::string> lua_package_path;      // configuration.lua_package_path
  std::optional<std::vector<std::string>> plugins;  // configuration.plugins
  std::optional<std::vector<int>> workers;          // pids.workers: absent after a rejected reload
  std::optional<int> master;                        // pids.master
  std::optional<std::string> database;              // configuration.database: "off", "postgres"
  std::map<std::string, std::string>
      versions;  // plugins.available_on_server: Kong 3 tells versions
  std::optional<std::vector<std::string>>
      in_use;  // plugins.enabled_in_cluster: what the configuration uses
};

/// Reads an answer; nothing when it isn't a JSON object.
std::optional<AdminRoot> parse_admin_root(std::string_view body);

/// One question and what came of it.
struct AdminAnswer {
  enum class Kind {
    Silent,     // no answer: `text` says why
    Forbidden,  // 401 or 403: there is an API, but not for us (RBAC of the Enterprise edition)
    Broken,  // any other status, or no JSON: a plugin's api.lua that fails makes every answer a 500
    Told     // `root` is what it said
  };
  Kind kind = Kind::Silent;
  AdminRoot root;
  std::string text;
};

/// What the Status API says of itself, in two questions.
struct StatusAnswer {
  std::optional<int> ready;  // HTTP status of GET /status/ready (Kong 3.3 and newer); nothing where
                             // there is no such page or no answer
  std::optional<int> page;   // HTTP status of GET /status; nothing where there is no answer
  bool configured = false;   // /status has a configuration_hash: declarative configuration is there
};

/// Kong's two APIs for operators, at the base URLs given ("http://127.0.0.1:8001"). Every call is
/// one fresh connection and blocks no longer than the deadline.
class KongAdmin {
public:
  explicit KongAdmin(const HttpClient& client) : client_(client) {}
  AdminAnswer root(const std::string& admin, std::chrono::steady_clock::time_point deadline) const;
  /// The declarative configuration that a DB-less Kong serves (GET /config), as its YAML; else in
  /// one sentence why it can't be had.
  struct Config {
    std::optional<std::string> text;
    std::string why;
  };
  Config config(const std::string& admin, std::chrono::steady_clock::time_point deadline) const;
  StatusAnswer status(const std::string& status,
                      std::chrono::steady_clock::time_point deadline) const;

private:
  const HttpClient& client_;
};

/// The listener of `admin_listen`, `status_listen` or `proxy_listen` that speaks plain HTTP, as a
/// base URL, or nothing: "off", ssl only, PROXY protocol only. Of several it is the first that can
/// be asked over the loopback, as the agent's unit lets it ask no other by itself; an address of
/// all interfaces is asked at the loopback one.
std::optional<std::string> base_url_of(std::string_view listen);

}  // namespace kongfleet::agent
