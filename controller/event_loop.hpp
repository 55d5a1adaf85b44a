// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>

#include <exception>

namespace kongfleet::controller {

/// For co_spawn: what a coroutine of ours throws ends the program, or what it is about.
inline void rethrow(const std::exception_ptr& thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

/// Where the coroutines of a run take their turns, on one thread.
class EventLoop {
public:
  EventLoop() = default;
  virtual ~EventLoop() = default;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  boost::asio::io_context& io() { return io_; }
  /// Until nothing is left to do, or io() is stopped. After io().restart() it may run again.
  virtual void run() { io_.run(); }
  /// The same, after it ran before.
  void run_again() {
    io_.restart();
    run();
  }

private:
  boost::asio::io_context io_{1};
};

}  // namespace kongfleet::controller
