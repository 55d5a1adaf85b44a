// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_channel.hpp"

#include <memory>
#include <string>

namespace kongfleet::controller {

/// A connection through a jump host: bytes go between a socket, whose other end the next session
/// has, and a channel of the session with the jump host. It owns that session, and ends when either
/// side does.
struct SshBridge {
  std::unique_ptr<SshSession> session;
  std::unique_ptr<SshChannel> channel;  // declared after its session: it goes before it
  /// Why the jump host's side broke, once it has; shared with the link, whose messages tell of it.
  std::shared_ptr<std::string> trouble = std::make_shared<std::string>();

  SshBridge() = default;
  SshBridge(SshBridge&&) = default;
  SshBridge& operator=(SshBridge&&) = delete;
  ~SshBridge() = default;
};

/// Starts the bridge on the session's executor and gives the end for the next session: a
/// non-blocking, close-on-exec stream socket. Closing it ends the bridge. Throws Error.
SshFd start_bridge(SshBridge bridge);

}  // namespace kongfleet::controller
