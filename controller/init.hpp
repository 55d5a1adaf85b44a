// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/command_line.hpp"

#include <string_view>
#include <vector>

namespace kongfleet::controller {

struct InitFile {
  std::string_view path;  // relative to the directory
  std::string_view content;
};

/// What `init` writes: fleet.toml, which `check` accepts as it is, and below plugins/my-plugin/ a
/// plugin that works on Kong 2.8 to 3.9 and sets the response header X-MyPlugin.
const std::vector<InitFile>& init_files();

/// Writes them into the directory, which is made if need be. Overwrites nothing: if one of the
/// files is there already, none is written. Returns the exit code: 0, or 1 with the reason given.
int run_init(const InitCommand& command, const Answer& answer);

}  // namespace kongfleet::controller
