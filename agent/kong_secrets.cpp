// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_secrets.hpp"

#include "proto/names.hpp"

#include <boost/algorithm/string/replace.hpp>

#include <algorithm>
#include <span>

namespace kongfleet::agent {
namespace {

constexpr std::size_t secret_bytes_min = 8;  // "kong", "secret": a log without these says little
constexpr std::string_view in_its_place = "…";
// Of Kong's own settings up to 3.9, and of what others put into the environment beside them.
constexpr std::string_view telling[] = {"passw",        "secret",       "passphrase",   "token",
                                        "credential",   "auth_conf",    "session_conf", "cert_key",
                                        "license_data", "proxy_server", "private_key"};

// Of those that may name a file instead of being what is in it.
constexpr std::string_view of_files[] = {"cert_key", "license_data", "private_key"};

bool holds_any(std::string_view name, std::span<const std::string_view> parts) {
  const auto lower = lower_case(name);
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

}  // namespace

KongSecrets::KongSecrets(const KongSettings& settings, const KongUnit* unit) {
  add_all(settings.conf());
  add_all(settings.kong_env());
  if (unit == nullptr) return;
  for (const auto& variable : unit->variables) add(variable.name, variable.value);
}

void KongSecrets::add_all(const KongConf* conf) {
  if (conf == nullptr) return;
  for (const auto& setting : conf->settings()) add(setting.key, setting.value);
}

void KongSecrets::add(std::string_view name, const std::string& value) {
  if (!holds_any(name, telling) || value.size() < secret_bytes_min) return;
  if (value.starts_with("{vault://") || (value.front() == '/' && holds_any(name, of_files))) return;
  for (const auto& form : {value, printable(value)}) {
    if (std::find(values_.begin(), values_.end(), form) != values_.end()) continue;
    const auto place = std::find_if(values_.begin(), values_.end(), [&](const std::string& known) {
      return known.size() < form.size();
    });
    values_.insert(place, form);
  }
}

std::string KongSecrets::masked(std::string text) const {
  for (const auto& value : values_) boost::replace_all(text, value, in_its_place);
  return text;
}

void KongSecrets::mask(std::vector<Finding>& findings) const {
  for (auto& finding : findings) {
    finding.text = masked(std::move(finding.text));
    finding.advice = masked(std::move(finding.advice));
  }
}

}  // namespace kongfleet::agent
