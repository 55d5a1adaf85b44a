// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// [hooks], [webhook] and [metrics] of the fleet file.
#include "controller/durations.hpp"
#include "controller/fleet_sections.hpp"
#include "proto/names.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

constexpr DurationRange hook_range = {100ms, 1h};
constexpr DurationRange post_range = {100ms, 1min};

}  // namespace

FleetHooks read_hooks(const TomlFields& fields, const FleetFilePlace& place,
                      const RolloutPolicy& policy) {
  const auto& document = fields.document();
  fields.allow_only({"before_wave", "before_host", "after_host", "after_rollout", "timeout"});
  FleetHooks hooks;
  hooks.directory = place.path.parent_path();
  const auto read = [&](const std::string& key, std::vector<std::string>& into) {
    const auto* value = fields.find(key);
    if (value != nullptr) into = read_command(document, *value, key, place);
  };
  read("before_wave", hooks.before_wave);
  read("before_host", hooks.before_host);
  read("after_host", hooks.after_host);
  read("after_rollout", hooks.after_rollout);
  const auto* timeout = fields.find("timeout");
  if (timeout == nullptr) {
    hooks.timeout = std::min<std::chrono::milliseconds>(hooks.timeout, policy.confirm_timeout / 2);
    return hooks;
  }
  hooks.timeout = read_duration(document, *timeout, "timeout", hook_range);
  // A trial is renewed meanwhile; where its host is not heard it must last all the same.
  if (hooks.timeout > policy.confirm_timeout / 2) {
    document.fail(timeout->at, "found " + text_of(hooks.timeout) +
                                   " for 'timeout'; a hook may take half of confirm_timeout, " +
                                   text_of(policy.confirm_timeout) +
                                   ": a trial must not run out while a hook runs");
  }
  return hooks;
}

FleetWebhook read_webhook(const TomlFields& fields, const FleetFilePlace& place) {
  const auto& document = fields.document();
  fields.allow_only({"url", "secret_file", "timeout"});
  FleetWebhook webhook;
  const auto& url = fields.need("url", R"(url = "https://hooks.example.net/kongfleet")");
  webhook.url = read_text(document, url, "url");
  if (!webhook.url.starts_with("http://") && !webhook.url.starts_with("https://")) {
    document.fail(url.at, "found \"" + printable(webhook.url, 200) +
                              "\" for 'url'; it begins with http:// or https://");
  }
  if (const auto* value = fields.find("secret_file")) {
    webhook.secret_file = read_path(document, *value, "secret_file", place);
  }
  if (const auto* value = fields.find("timeout")) {
    webhook.timeout = read_duration(document, *value, "timeout", post_range);
  }
  return webhook;
}

std::filesystem::path read_metrics(const TomlFields& fields, const FleetFilePlace& place) {
  fields.allow_only({"textfile"});
  const std::string example = R"(textfile = "/var/lib/prometheus/node-exporter/kongfleet.prom")";
  const auto& value = fields.need("textfile", example);
  auto path = read_path(fields.document(), value, "textfile", place);
  if (path.extension() != ".prom") {
    fields.document().fail(value.at, "found \"" + printable(path.string(), 200) +
                                         "\" for 'textfile'; its name ends in .prom, else no "
                                         "collector reads it");
  }
  return path;
}

}  // namespace kongfleet::controller
