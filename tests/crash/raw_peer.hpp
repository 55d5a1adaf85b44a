// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/framing.hpp"
#include "proto/kongfleet.pb.h"

#include <filesystem>
#include <optional>
#include <string>

namespace kongfleet::crash {

/// Somebody at an agent's socket who keeps to no rules. Every call throws Error when the agent
/// says nothing for 20 seconds.
class RawPeer {
public:
  explicit RawPeer(const std::filesystem::path& socket);
  RawPeer(RawPeer&& other) noexcept;
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer();
  void say(const wire::ToAgent& message) { say_raw(frame(message.SerializeAsString())); }
  /// As many of the bytes as it takes before it closes.
  void say_raw(const std::string& bytes);
  /// The next answer, or nothing once it has closed.
  std::optional<wire::ToController> hear_or_end();
  /// Throws Error when it has closed.
  wire::ToController hear();

private:
  int socket_;
  FrameReader reader_;
};

}  // namespace kongfleet::crash
