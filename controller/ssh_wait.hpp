// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_fd.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>

namespace kongfleet::controller {

namespace asio = boost::asio;

using Deadline = std::chrono::steady_clock::time_point;

Deadline after(std::chrono::milliseconds limit);

/// Where one coroutine waits until something opens the gate or a deadline passes. Opening it while
/// nobody waits is remembered. One timer serves both, so a wait costs no coroutine of its own.
class SshGate {
public:
  explicit SshGate(asio::any_io_executor executor) : timer_(std::move(executor)) {}

  void open();

  /// True when the gate was opened (it closes again), false when the deadline came first. Throws
  /// system_error(operation_aborted) when the coroutine itself is cancelled.
  asio::awaitable<bool> wait(Deadline deadline);

  asio::any_io_executor executor() { return timer_.get_executor(); }

private:
  asio::steady_timer timer_;
  bool open_ = false;
};

/// Watches one descriptor and opens a gate when it is ready. It owns the descriptor it is given,
/// and neither reads nor writes it. Several watches may share a gate.
class SshWatch {
public:
  explicit SshWatch(std::shared_ptr<SshGate> gate);
  ~SshWatch();
  SshWatch(const SshWatch&) = delete;
  SshWatch& operator=(const SshWatch&) = delete;

  /// Throws system_error when the descriptor cannot be watched.
  void assign(SshFd fd);
  /// The gate opens when there is something to read (or the end of it). Asking twice is free.
  void on_readable();
  /// The same for room to write.
  void on_writable();
  /// -1 when nothing is watched.
  int fd() const;
  const std::shared_ptr<SshGate>& gate() const;
  void close() noexcept;

private:
  struct State;
  std::shared_ptr<State>
      state_;  // shared with the waits under way, which outlive close() by a turn
};

}  // namespace kongfleet::controller
