// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/child_process.hpp"
#include "agent/fd.hpp"
#include "agent/gateway.hpp"
#include "agent/preflight.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kongfleet::agent {

/// What came of a CandidateCheck.
struct CheckReport {
  bool complete = false;              // every file was looked at
  std::vector<Finding> mistakes;      // of Lua syntax, each with plugin, file and line
  std::optional<Finding> unfinished;  // the handler that was begun and never came to its end: no
                                      // text, but a place, and the line where it had been for long
  std::vector<std::pair<std::string, std::string>>
      versions;  // plugin, VERSION of its handler; of the form x.y.z only, as Kong tells it
};

/// Looks at every Lua file of a generation with the very Lua that will run it. Kong itself loads
/// only handlers, schemas and what those require; a mistake in anything that is required later
/// (api.lua, a module that only a request needs) would show when it is too late.
///
/// It is a plugin of its own, of a few lines, that Kong loads in the scratch prefix beside those of
/// the candidate, or alone: it compiles the files, runs none but the handlers and schemas that
/// Kong is about to run anyway, and writes what it found to a file of ours. Plugins run in the same
/// process: what stands in that file may come from them, and is read like anything foreign.
class CandidateCheck {
public:
  /// Writes the plugin and its file below `directory`, which must be Kong's user's to read. The
  /// candidate has a generation.
  CandidateCheck(const std::filesystem::path& directory, const Candidate& candidate);

  /// The values with which Kong finds and loads it, behind all others.
  const std::string& lua_package_path() const { return path_; }
  const std::string& plugins() const { return plugins_; }
  const std::string& name() const { return name_; }

  /// What it wrote, once Kong's process has ended.
  CheckReport report() const;

private:
  std::string path_;
  std::string plugins_;
  std::string name_;
  std::set<std::string> files_;
  std::set<std::string> loaded_;  // plugins of the generation that are listed
  Fd report_;
};

/// Reads a report about `files` and `plugins`; lines about anything else, and of any other form,
/// say nothing.
CheckReport parse_check_report(std::string_view text, const std::set<std::string>& files,
                               const std::set<std::string>& plugins);

/// What is to be told of a candidate that Kong has read, or failed to: `result` is that of `kong
/// config parse`. Only files of the generation are read.
std::vector<Finding> load_findings(const ChildResult& result, const CheckReport& told,
                                   const Candidate& candidate);

/// Whether Kong read it to the end and says so: exit code 0 is no proof, a plugin may end the
/// process.
bool loaded(const ChildResult& result);

/// The plugin a file of a generation belongs to, or nothing.
std::string plugin_of(std::string_view file);

}  // namespace kongfleet::agent
