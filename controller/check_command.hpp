// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/fleet.hpp"
#include "controller/plugin_lint.hpp"

#include <boost/json/fwd.hpp>

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// One plugin of a fleet file, looked at.
struct PluginReport {
  std::string name;
  std::string source;                 // as the fleet file has it
  std::optional<Manifest> manifest;   // the release it makes; nothing when there is an error
  std::vector<Finding> findings;      // files as one would open them: below the source's path
  std::vector<std::string> left_out;  // what of the tree is not in the release
  std::string error;                  // why it makes no release, with the place in the fleet file
};

struct CheckReport {
  Fleet fleet;
  std::vector<PluginReport> plugins;
  std::vector<std::string> notes;  // no mistakes, but worth a thought
  bool good() const;
};

/// Reads the fleet file and every plugin in it; looks at no host. Throws Error for a mistake in the
/// fleet file; mistakes in plugins are in the report.
CheckReport check_fleet(const std::filesystem::path& fleet_file);

/// As a person reads it, and as the JSON document "check" (kongfleet-1.schema.json).
void print_check(std::ostream& out, const CheckReport& report);
boost::json::object check_json(const CheckReport& report);

/// `check` without --hosts: prints the report. Exit code 0, or 1 when there is a mistake.
int run_check(const GlobalOptions& global, const Answer& answer);

}  // namespace kongfleet::controller
