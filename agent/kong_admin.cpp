// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_admin.hpp"

#include "agent/kong_conf.hpp"
#include "agent/kong_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <limits>

namespace kongfleet::agent {
namespace {

namespace json = boost::json;

// GET / of a Kong with all bundled plugins has some 40 KB.
constexpr std::size_t root_bytes_max = std::size_t{4} << 20;
// A big configuration: some 30,000 routes. It is held in memory three times.
constexpr std::size_t config_bytes_max = std::size_t{16} << 20;

std::optional<int> pid_of(const json::value* value) {
  const auto* number = value == nullptr ? nullptr : value->if_int64();
  if (number == nullptr || *number <= 0 || *number > std::numeric_limits<int>::max())
    return std::nullopt;
  return static_cast<int>(*number);
}

}  // namespace

std::optional<AdminRoot> parse_admin_root(std::string_view body) {
  json::error_code error;
  const json::value document = json::parse({body.data(), body.size()}, error);
  if (error || !document.is_object()) return std::nullopt;
  AdminRoot root;
  const auto* configuration = json_member(&document, "configuration");
  root.lua_package_path = json_text(json_member(configuration, "lua_package_path"));
  root.plugins = json_list<std::string>(json_member(configuration, "plugins"), json_text);
  root.database = json_text(json_member(configuration, "database"));
  const auto* pids = json_member(&document, "pids");
  root.master = pid_of(json_member(pids, "master"));
  root.workers = json_list<int>(json_member(pids, "workers"), pid_of);
  const auto* available = json_member(json_member(&document, "plugins"), "available_on_server");
  if (available != nullptr && available->is_object()) {
    for (const auto& [name, plugin] : available->get_object())
      if (const auto version = json_text(json_member(&plugin, "version")))
        root.versions.emplace(std::string(name.data(), name.size()), *version);
  }
  root.in_use = json_list<std::string>(
      json_member(json_member(&document, "plugins"), "enabled_in_cluster"), json_text);
  return root;
}

AdminAnswer KongAdmin::root(const std::string& admin,
                            std::chrono::steady_clock::time_point deadline) const {
  AdminAnswer answer;
  const auto url = HttpUrl::parse(admin);
  if (const auto* why = std::get_if<std::string>(&url)) {
    answer.text = "Admin API '" + admin + "': " + *why;
    return answer;
  }
  auto result = client_.get(std::get<HttpUrl>(url), deadline, root_bytes_max);
  if (!result.response) {
    answer.text = std::move(result.error);
    return answer;
  }
  const auto status = result.response->status;
  answer.text = "the Admin API at " + admin + " answers " + std::to_string(status);
  answer.kind =
      status == 401 || status == 403 ? AdminAnswer::Kind::Forbidden : AdminAnswer::Kind::Broken;
  if (status != 200) return answer;
  auto root = parse_admin_root(result.response->body);
  if (!root) {
    answer.text += ", but not with JSON";
    return answer;
  }
  answer.kind = AdminAnswer::Kind::Told;
  answer.root = std::move(*root);
  return answer;
}

KongAdmin::Config KongAdmin::config(const std::string& admin,
                                    std::chrono::steady_clock::time_point deadline) const {
  const auto url = HttpUrl::parse(admin + "/config");
  if (const auto* why = std::get_if<std::string>(&url)) return {std::nullopt, *why};
  const auto result = client_.get(std::get<HttpUrl>(url), deadline, config_bytes_max);
  if (!result.response) return {std::nullopt, result.error};
  const auto status = result.response->status;
  if (status != 200) return {std::nullopt, "GET /config answers " + std::to_string(status)};
  json::error_code error;
  const auto& body = result.response->body;
  const json::value document = json::parse({body.data(), body.size()}, error);
  auto text = error ? std::nullopt : json_text(json_member(&document, "config"));
  const bool has = text.has_value();
  return {std::move(text), has ? "" : "GET /config does not answer with a configuration"};
}

StatusAnswer KongAdmin::status(const std::string& status,
                               std::chrono::steady_clock::time_point deadline) const {
  StatusAnswer answer;
  const auto ask = [&](const char* page) -> std::optional<HttpResponse> {
    const auto url = HttpUrl::parse(status + page);
    if (std::holds_alternative<std::string>(url)) return std::nullopt;
    return client_.get(std::get<HttpUrl>(url), deadline, root_bytes_max).response;
  };
  const auto page = ask("/status");
  if (!page) return answer;
  answer.page = static_cast<int>(page->status);
  json::error_code error;
  const json::value document = json::parse({page->body.data(), page->body.size()}, error);
  answer.configured = !error && json_text(json_member(&document, "configuration_hash")).has_value();
  const auto ready = ask("/status/ready");
  if (ready && ready->status != 404) answer.ready = static_cast<int>(ready->status);
  return answer;
}

std::optional<std::string> base_url_of(std::string_view listen) {
  std::optional<HostPort> chosen;
  for (const auto& entry : split_list(listen)) {
    const auto blank = std::min(entry.find_first_of(" \t"), entry.size());
    const std::string flags = entry.substr(blank) + " ";
    if (flags.find(" ssl ") != std::string::npos) continue;
    if (flags.find(" proxy_protocol ") != std::string::npos) continue;  // we are no balancer
    auto at = HostPort::parse(std::string_view(entry).substr(0, blank));
    if (!at) continue;
    const bool local = is_local(at->host);
    if (local || !chosen) chosen = std::move(at);
    if (local) break;
  }
  if (!chosen) return std::nullopt;
  if (chosen->host == "0.0.0.0") chosen->host = "127.0.0.1";
  if (chosen->host == "::") chosen->host = "::1";
  return "http://" + chosen->text();
}

}  // namespace kongfleet::agent
