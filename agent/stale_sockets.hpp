// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// Removes the sockets in Kong's prefix that nobody has bound or listens at, and tells their names.
/// After a power cut, or when its master was killed, Kong 3.x under its packaged unit would not
/// start because of them, however often systemd tries ("bind() to
/// unix:…/worker_events.sock failed (98: Address already in use)"): only `kong start` removes them
/// (3.4.2:kong/cmd/start.lua), which that unit doesn't run. For the time when Kong does not run;
/// what can't be removed is left to Kong to complain about. All is done in the one directory that
/// followed_directory() finds: who may put another in its place, or a link, has us remove nothing
/// there. Throws Error where that one refuses.
std::vector<std::string> remove_stale_sockets(const std::filesystem::path& prefix);

}  // namespace kongfleet::agent
