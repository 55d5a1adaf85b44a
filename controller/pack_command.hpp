// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/answer.hpp"
#include "controller/command_line.hpp"

namespace kongfleet::controller {

/// `pack`: lints a tree and writes the bundle. With an error found, nothing is written. Warnings go
/// to stderr. Exit code 0, or 1 when no bundle was written. JSON:
///
///     {"schema": "kongfleet/1", "command": "pack", "ok": true, "bundle": "my-plugin-1.0.0.kfb",
///      "name", "version", "digest", "files", "bytes", "signed": {"fleet", "serial", "expires",
///      "with": [{"name", "version", "digest"}]}}
///
/// "signed" is there with --sign, "with" with --with.
int run_pack(const PackCommand& command, const Answer& answer);

}  // namespace kongfleet::controller
