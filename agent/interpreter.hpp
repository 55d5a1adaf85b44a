// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/command.hpp"
#include "agent/frame_socket.hpp"
#include "proto/zstd_stream.hpp"

#include <memory>
#include <optional>
#include <string>

namespace kongfleet::agent {

/// Stands between a peer that is not trusted and the daemon, in a process that can do nothing else
/// (agent/sandbox.hpp): frames, Protocol Buffers, manifests and zstd are read here. What it
/// understood it tells the daemon in flat commands (agent/command.hpp), one at a time; what the
/// daemon answers it passes on as it is. It keeps no deadlines: those are the daemon's, which ends
/// a conversation by closing its end.
class Interpreter {
public:
  Interpreter(Fd peer, Fd daemon);
  /// Until one of both has closed, or the peer's bytes make no sense. Never throws: nobody would
  /// hear it.
  void run() noexcept;

private:
  std::optional<std::string> next_message();
  void interpret(const std::string& body);
  void content(const wire::Blob& blob);
  void order(const std::string& command);

  FrameSocket peer_;
  FrameSocket daemon_;
  std::unique_ptr<ZstdReader> content_;  // while some is awaited
};

}  // namespace kongfleet::agent
