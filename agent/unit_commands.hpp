// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/gateway.hpp"
#include "agent/kong_unit.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// A call of Kong's command among the commands of a unit, in whatever it is wrapped (env, sh -c).
struct KongCall {
  std::string verb;    // "prepare", "reload", "start", "restart"
  std::string conf;    // of -c, or empty
  std::string prefix;  // of -p, or empty
};

/// The calls in what systemctl shows of ExecReload or ExecStart.
std::vector<KongCall> kong_calls(std::string_view shown);

/// The prefix that the unit itself gives Kong, with -p or KONG_PREFIX; empty: Kong's own choice.
std::filesystem::path prefix_of_unit(const KongUnit& unit);

/// What a unit's calls of Kong have to read.
struct ConfInUse {
  std::filesystem::path path;
  bool by_default = false;   // Kong finds it without -c
  bool environment = false;  // the unit's environment decides our two keys: kong.conf need not even
                             // be there
};

/// Why `systemctl reload` would not have Kong read `conf`: ExecReload is missing, does not run
/// `kong prepare` (or `kong reload -c`) first, or has it read another file. Nothing: it would.
std::optional<Finding> reload_defect(const KongUnit& unit, const ConfInUse& conf);
/// Why a start would not, so that after a power cut Kong came up with something else than what was
/// confirmed.
std::optional<Finding> start_defect(const KongUnit& unit, const ConfInUse& conf);
/// Both.
std::vector<Finding> command_defects(const KongUnit& unit, const ConfInUse& conf);

}  // namespace kongfleet::agent
