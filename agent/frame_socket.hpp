// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"
#include "proto/framing.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// Frames over a connected stream socket, blocking with a deadline each. Throws Error when the peer
/// breaks the rules, goes away in the middle of a frame, or takes too long.
class FrameSocket {
public:
  explicit FrameSocket(Fd socket, std::size_t bytes_max = frame_bytes_max)
      : socket_(std::move(socket)), bytes_max_(bytes_max), reader_(bytes_max) {}
  /// The next frame's body, or nothing when the peer has closed between two frames.
  std::optional<std::string> receive(std::chrono::milliseconds limit);
  void send(std::string_view body, std::chrono::milliseconds limit);

  // What receive() is made of, for who waits for more than one thing.
  int fd() const { return socket_.get(); }
  /// A frame's body that is here already.
  std::optional<std::string> next() { return reader_.next(); }
  /// Reads what has come, without waiting for it. False when the peer has closed between two
  /// frames.
  bool take();

private:
  void wait(short events, std::chrono::steady_clock::time_point deadline) const;
  Fd socket_;
  std::size_t bytes_max_;
  FrameReader reader_;
};

}  // namespace kongfleet::agent
