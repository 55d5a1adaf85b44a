// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/config.hpp"

#include <cstdint>
#include <optional>

namespace kongfleet::agent {

// What a person runs on the host, as root. All speak to the daemon as a controller does, so that
// one process changes this host; each prints to stdout and returns an exit code of design.md
// section 6. Throw Error when no agent answers, but for the two that can do without.

/// Prints what this host runs. 0; 2 with drift or an open transaction; 4 stranded. Where no agent
/// answers root: what its journal says (silent_agent.hpp).
int print_status(const Config& config);
/// Prints the last `limit` lines of history.jsonl; read by ourselves where no agent answers.
int print_history(const Config& config, unsigned limit);
/// Takes the host back: a stranded one to its confirmed generation, else to `to` or the generation
/// before.
int roll_back(const Config& config, std::optional<std::uint64_t> to);
/// Compares files, configuration and workers with what was confirmed. 0, or 2 with each difference
/// printed.
int verify_host(const Config& config);

}  // namespace kongfleet::agent
