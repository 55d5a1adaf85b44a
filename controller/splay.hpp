// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace kongfleet::controller {

/// How long a fleet's sync waits on a machine before it begins: somewhere in [0, `splay`), and
/// always the same for the same fleet, machine and splay. Many fleets do not begin at once so, and
/// each begins when it did yesterday. Pure.
std::chrono::milliseconds splay_of(const std::string& fleet, const std::string& machine,
                                   std::chrono::milliseconds splay);

/// This machine, as splay_of() knows it: its name.
std::string machine_name();

/// Waits for `time`. False as soon as SIGINT or SIGTERM comes.
bool wait_undisturbed(std::chrono::milliseconds time);

}  // namespace kongfleet::controller
