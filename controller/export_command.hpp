// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/command_line.hpp"

namespace kongfleet::controller {

/// `export`: lints a plugin as `pack` does and writes it for another way to deploy it
/// (rock_export.hpp and its like say what). Warnings go to stderr. Exit code 0, 1 for a mistake, 5
/// when what it is for is known to refuse the plugin; then nothing is written. JSON:
///
///     {"schema": "kongfleet/1", "command": "export", "ok": true, "kind": "rock", "directory",
///      "name", "version", "digest", "files": ["kong-plugin-x-1.0.0-1.all.rock", …]}
int run_export(const ExportCommand& command, const Answer& answer);

}  // namespace kongfleet::controller
