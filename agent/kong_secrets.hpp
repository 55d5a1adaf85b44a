// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/finding.hpp"
#include "agent/kong_settings.hpp"
#include "agent/kong_unit.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// What of Kong's settings nobody is to read in a report: passwords, tokens, keys. Kong's own words
/// (its error log, what its command prints) may quote them, a plugin's errors too, and those go to
/// the controller, which keeps them.
class KongSecrets {
public:
  KongSecrets() = default;
  /// Those of kong.conf, of .kong_env, which has what came by the environment, too, and of the unit
  /// where there is one.
  KongSecrets(const KongSettings& settings, const KongUnit* unit);

  /// A setting, "pg_password", or a variable, "KONG_PG_PASSWORD"; nothing comes of one that is no
  /// secret by its name. Values of less than eight bytes are words of their own, and stay; so do
  /// references to a vault and, of keys, paths of files, which are no secrets.
  void add(std::string_view name, const std::string& value);
  /// `text` with each of them as "…", also where control characters of it were escaped.
  std::string masked(std::string text) const;
  void mask(std::vector<Finding>& findings) const;

private:
  void add_all(const KongConf* conf);
  std::vector<std::string> values_;  // longest first: one may be a part of another
};

}  // namespace kongfleet::agent
