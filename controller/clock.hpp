// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>
#include <cstdint>

namespace kongfleet::controller {

/// Stands in for this machine's clocks where a run is simulated.
class ClockSource {
public:
  using Steady = std::chrono::steady_clock;
  virtual ~ClockSource() = default;
  virtual Steady::time_point now() = 0;
  /// Milliseconds since 1970.
  virtual std::int64_t wall_ms() = 0;
  /// The next Timer of an event loop is due in `wait`: how long that loop is to sleep really.
  virtual Steady::duration sleep(Steady::duration wait) = 0;
};

/// The clock that runs go by: steady_clock, unless a simulation stands in for it.
struct Clock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr bool is_steady = true;

  static time_point now() {
    return source == nullptr ? std::chrono::steady_clock::now() : source->now();
  }

  static inline ClockSource* source = nullptr;  // null: the machine's own
};

/// How long a Timer that is due then or in so long is slept for.
struct ClockWait {
  static Clock::duration to_wait_duration(const Clock::duration& wait) {
    return Clock::source == nullptr ? wait : Clock::source->sleep(wait);
  }
  static Clock::duration to_wait_duration(const Clock::time_point& when) {
    return to_wait_duration(when - Clock::now());
  }
};

/// A timer of that clock, to be used like a steady_timer.
using Timer = boost::asio::basic_waitable_timer<Clock, ClockWait>;

}  // namespace kongfleet::controller
