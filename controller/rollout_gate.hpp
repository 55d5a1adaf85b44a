// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_run.hpp"
#include "controller/rollout.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace kongfleet::controller {

/// Who is asked before a rollout touches a host, and told after. Both are waited for: until then
/// the host has its place among those that may be unavailable.
class RolloutGate {
public:
  virtual ~RolloutGate() = default;
  /// Why nothing new may start, as a sentence; empty: the host may. `wave` counts from 0.
  virtual asio::awaitable<std::string> before_host(const HostRun& host, std::size_t wave) = 0;
  /// The change of a host that was let through has ended, or it was taken back.
  virtual asio::awaitable<void> after_host(const HostRun& host, std::size_t wave,
                                           HostPhase phase) = 0;
};

}  // namespace kongfleet::controller
