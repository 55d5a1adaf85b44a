// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// Removes the sockets in Kong's prefix that nobody listens at any more, and tells their names.
/// After a power cut Kong 3.x under its packaged unit would not start because of them ("bind() to
/// unix:…/worker_events.sock failed (98: Address already in use)"): only `kong start` removes them
/// (3.4.2:kong/cmd/start.lua), which that unit doesn't run. For the time before Kong starts; what
/// can't be removed is left to Kong to complain about.
std::vector<std::string> remove_stale_sockets(const std::filesystem::path& prefix);

}  // namespace kongfleet::agent
