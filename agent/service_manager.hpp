// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// Our side of systemd's protocols for a service: sd_notify(3) and sd_listen_fds(3). Both are a few
/// bytes over a socket or the environment; the library for them is not to be had statically. Does
/// nothing where systemd didn't start us.
class ServiceManager {
public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_PID and LISTEN_FDS, and takes them out of the
  /// environment.
  ServiceManager();
  /// The listening socket systemd made for us, or nothing. The caller owns it; given out once.
  std::optional<int> listening_socket();
  /// "READY=1", "STATUS=…", "STOPPING=1", "WATCHDOG=1".
  void notify(const std::string& state) const;
  /// How often the watchdog wants to hear of us: half of what it allows. Zero: no watchdog.
  std::chrono::milliseconds watchdog_interval() const { return watchdog_; }

private:
  std::string notify_socket_;
  std::chrono::milliseconds watchdog_{0};
  std::optional<int> listening_;
};

}  // namespace kongfleet::agent
