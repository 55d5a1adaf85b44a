// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace kongfleet::agent {

/// Listens at `path`, mode 0660, group `group` where that exists: for an agent that systemd didn't
/// hand a socket. Throws Error, also when another agent answers there.
Fd listen_at(const std::filesystem::path& path, const std::string& group);

/// Connects to the agent's socket. Throws Error with advice when nobody listens there.
Fd connect_to(const std::filesystem::path& path);

/// Who is at the other end (SO_PEERCRED, unix(7)): the user that connected. Throws Error when the
/// kernel won't say.
uid_t peer_user(const Fd& socket);

/// Whether that user may speak to the agent: root, the agent's own user, and the members of
/// `group`. The socket's mode says so already; this holds where somebody widened it.
bool may_speak(uid_t user, const std::string& group);

}  // namespace kongfleet::agent
