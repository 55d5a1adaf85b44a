// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet_hooks.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace kongfleet::controller {

/// Posts events to [webhook] in the order they come, from a thread of its own: whoever reports
/// never waits. One that is not taken (no answer, 408, 429, 5xx) is tried again, later from time to
/// time, five times in all; any other answer but 2xx ends it at once.
///
/// Each is a POST of application/json with X-Kongfleet-Delivery: RUN/NUMBER, the same whenever it
/// is tried again, and where there is a secret X-Kongfleet-Signature: sha256=HEX, the HMAC of the
/// body.
class Webhook {
public:
  /// Throws Error when the secret cannot be read. `run` names the deliveries.
  Webhook(const FleetWebhook& settings, std::string run);
  ~Webhook();
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  void post(std::string body);
  /// Waits until all is delivered or given up, at most for `limit`. What was not delivered, as one
  /// sentence; empty if all was. Nothing can be posted after it.
  std::string finish(std::chrono::milliseconds limit);
  /// Lets a finish() that is waiting, or comes later, return at once. From any thread.
  void hurry();

private:
  using Clock = std::chrono::steady_clock;
  void work();
  void deliver(const std::string& body, std::size_t number);
  /// Empty when it was taken; `again`: whether another try may help.
  std::string attempt(const std::string& body, std::size_t number, bool& again);
  bool wait(std::chrono::milliseconds pause);
  std::chrono::milliseconds time_left();

  const FleetWebhook settings_;
  const std::string run_;
  std::string secret_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::string> queue_;
  Clock::time_point until_ = Clock::time_point::max();
  bool closing_ = false;
  bool hurried_ = false;
  std::size_t lost_ = 0;
  std::string why_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace kongfleet::controller
