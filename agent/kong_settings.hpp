// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/kong_conf.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// Kong's settings on this host: what PREFIX/.kong_env says (everything the last `prepare` or
/// `reload` made effective, environment included), and for a Kong that never ran, kong.conf. After
/// a rejected reload .kong_env is ahead of what runs; addresses and files seldom differ.
class KongSettings {
public:
  /// Neither file need be there. Throws Error, with advice, for a kong.conf that Kong itself could
  /// not read.
  KongSettings(const std::filesystem::path& conf, const std::filesystem::path& prefix,
               ConfDialect dialect);
  /// The setting, or nothing where neither file has it and Kong's default applies.
  std::optional<std::string> value(std::string_view key) const;
  /// What .kong_env alone says.
  std::optional<std::string> effective(std::string_view key) const;
  /// What kong.conf alone says.
  std::optional<std::string> configured(std::string_view key) const;
  /// The files themselves; nullptr where there is none.
  const KongConf* conf() const { return configured_ ? &*configured_ : nullptr; }
  const KongConf* kong_env() const { return effective_ ? &*effective_ : nullptr; }

private:
  std::optional<KongConf> configured_;
  std::optional<KongConf> effective_;
};

/// `prefix` of a kong.conf, or Kong's default, /usr/local/kong, where it or the file lacks it.
std::filesystem::path prefix_of(const std::filesystem::path& conf, ConfDialect dialect);

}  // namespace kongfleet::agent
