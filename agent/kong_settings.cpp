// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_settings.hpp"

#include "agent/durable_file.hpp"
#include "agent/followed_path.hpp"
#include "proto/error.hpp"

namespace kongfleet::agent {
namespace {

std::optional<KongConf> read_conf(const std::filesystem::path& conf, ConfDialect dialect) {
  std::string text;
  if (!read_file_if_there(conf, text)) return std::nullopt;
  auto result = KongConf::parse(text, dialect);
  if (const auto* problem = std::get_if<ConfProblem>(&result))
    throw Error("read '" + conf.string() + "', line " + std::to_string(problem->line) + ": " +
                problem->reason);
  return std::get<KongConf>(std::move(result));
}

// kong.conf as Kong writes it, with a value or two that were whole files.
constexpr std::size_t kong_env_max = std::size_t{8} << 20;

std::optional<KongConf> read_effective(const std::filesystem::path& path, ConfDialect dialect) {
  const auto file = followed_file(path);
  if (!file) return std::nullopt;
  auto result = KongConf::parse(read_file(file, path, kong_env_max), dialect);
  // Kong writes it: one that can't be read was poisoned by a failed reload, and says nothing.
  if (std::holds_alternative<ConfProblem>(result)) return std::nullopt;
  return std::get<KongConf>(std::move(result));
}

}  // namespace

KongSettings::KongSettings(const std::filesystem::path& conf, const std::filesystem::path& prefix,
                           ConfDialect dialect)
    : configured_(read_conf(conf, dialect)),
      effective_(read_effective(prefix / ".kong_env", dialect)) {}

std::optional<std::string> KongSettings::effective(std::string_view key) const {
  return effective_ ? effective_->value(key) : std::nullopt;
}

std::optional<std::string> KongSettings::configured(std::string_view key) const {
  return configured_ ? configured_->value(key) : std::nullopt;
}

std::optional<std::string> KongSettings::value(std::string_view key) const {
  // .kong_env is complete: what it lacks is set to nothing, whatever kong.conf says.
  return effective_ ? effective_->value(key) : configured(key);
}

std::filesystem::path prefix_of(const std::filesystem::path& conf, ConfDialect dialect) {
  const auto settings = read_conf(conf, dialect);
  const auto prefix = settings ? settings->value("prefix") : std::nullopt;
  return prefix && !prefix->empty() ? std::filesystem::path(*prefix)
                                    : std::filesystem::path("/usr/local/kong");
}

}  // namespace kongfleet::agent
