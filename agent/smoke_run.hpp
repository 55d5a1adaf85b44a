// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/gateway.hpp"
#include "agent/smoke.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace kongfleet::agent {

/// All that a smoke test does to the world; tests script one. Calls block no longer than their
/// deadline. What can't be done is in the results, or, of this host's own files and sockets, an
/// Error.
class SmokeWorld {
public:
  using Time = std::chrono::steady_clock::time_point;
  virtual ~SmokeWorld() = default;
  virtual Time now() = 0;
  virtual void pause(std::chrono::milliseconds time) = 0;
  /// An id that nobody else has.
  virtual std::string fresh_id() = 0;
  virtual HttpResult admin(const AdminCall& call, Time deadline) = 0;
  /// The request itself, to Kong's listener for traffic.
  virtual HttpResult request(const SmokeNames& names, Time deadline) = 0;
  /// The port on 127.0.0.1 where requests that Kong lets through get a 200, for as long as this
  /// object lives.
  virtual std::uint16_t upstream() = 0;
  /// The tag of a test whose entities may be there, as the disk remembers it. Written before the
  /// first entity is created, forgotten once the last is known to be gone.
  virtual std::optional<std::string> remembered() = 0;
  virtual void remember(const std::string& tag) = 0;
  virtual void forget() = 0;
};

/// Carries out one smoke test, until the request succeeded `successes` times in a row, at most
/// until `deadline`. It gives up after probe_failures_max failures in a row, but not before 15
/// seconds: a Kong that is `worker_consistency = eventual` looks for changes every 5.
///
/// However it ends, what it created is removed, for which it has 20 seconds more; if that fails,
/// the test is not passed, and what is left stays remembered. So is what an agent left that died
/// meanwhile: clear_smoke() removes it.
ProbeOutcome run_smoke(SmokeWorld& world, const ProbeSpec& probe, SmokeWorld::Time deadline);

/// Removes what the test that is remembered left. An empty string, or why something may be left.
/// Asks nobody when none is remembered.
std::string clear_smoke(SmokeWorld& world);

}  // namespace kongfleet::agent
