// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_link.hpp"
#include "controller/ssh_fd.hpp"
#include "controller/ssh_helpers.hpp"

#include <sys/socket.h>

namespace kongfleet::controller {

/// A socket address, ready for connect(2).
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  /// "10.0.0.1" or "2001:db8::1".
  std::string text() const;
};

/// Where to connect to, and for messages whose host it is ("host 'edge-01'").
struct DialTarget {
  std::string who;
  std::string host;  ///< DNS name, IPv4, IPv6
  std::uint16_t port = 22;
  std::chrono::milliseconds limit{
      10'000};  ///< for the look-up, and again for all connects together
};

/// Looks up the addresses of `target`, on a helper thread unless it is numeric already. Throws
/// LinkError(Resolve|Timeout).
asio::awaitable<std::vector<SocketAddress>> look_up(DialTarget target, SshHelpers& helpers);

/// Connects to one address after the other and gives the first socket that is connected:
/// non-blocking, close-on-exec, TCP_NODELAY, keepalive. Throws LinkError(Connect|Timeout) that
/// tells of each address.
asio::awaitable<SshFd> dial(DialTarget target, std::vector<SocketAddress> addresses);

}  // namespace kongfleet::controller
