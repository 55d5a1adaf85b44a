// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_settings.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"

namespace kongfleet::agent {
namespace {

KongConf parsed(const std::filesystem::path& path, const std::string& text, ConfDialect dialect) {
  auto result = KongConf::parse(text, dialect);
  if (const auto* problem = std::get_if<ConfProblem>(&result))
    throw Error("read '" + path.string() + "', line " + std::to_string(problem->line) + ": " +
                problem->reason);
  return std::get<KongConf>(std::move(result));
}

KongConf read_conf(const std::filesystem::path& conf, ConfDialect dialect) {
  std::string text;
  if (!read_file_if_there(conf, text))
    throw Error("read '" + conf.string() +
                "': there is no such file; Kong's packages bring only kong.conf.default: copy it "
                "there, or name the file in use as [kong] conf in agent.toml");
  return parsed(conf, text, dialect);
}

std::optional<KongConf> read_effective(const std::filesystem::path& path, ConfDialect dialect) {
  std::string text;
  if (!read_file_if_there(path, text)) return std::nullopt;
  auto result = KongConf::parse(text, dialect);
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
  return configured_.value(key);
}

std::optional<std::string> KongSettings::value(std::string_view key) const {
  // .kong_env is complete: what it lacks is set to nothing, whatever kong.conf says.
  return effective_ ? effective_->value(key) : configured_.value(key);
}

std::filesystem::path prefix_of(const std::filesystem::path& conf, ConfDialect dialect) {
  const auto prefix = read_conf(conf, dialect).value("prefix");
  return prefix && !prefix->empty() ? std::filesystem::path(*prefix)
                                    : std::filesystem::path("/usr/local/kong");
}

}  // namespace kongfleet::agent
