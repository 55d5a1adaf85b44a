// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/framing.hpp"
#include "proto/kongfleet.pb.h"

#include <chrono>
#include <filesystem>
#include <string>

namespace kongfleet::hostile {

/// Somebody who has come as far as the agent's socket, and says whatever it likes.
class Caller {
public:
  explicit Caller(std::filesystem::path socket);
  ~Caller();
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  /// Another one, who connects to the same socket.
  std::filesystem::path socket() const { return path_; }
  /// Bytes as they are. What an agent that has hung up does not take is lost.
  void raw(std::string_view bytes) const;
  void body(std::string_view bytes) const { raw(frame(bytes)); }
  void say(const wire::ToAgent& message) const { body(message.SerializeAsString()); }
  /// No more will come.
  void hang_up() const;
  void greet();
  /// The next answer but for progress, in words: what was refused, a plan's refusals, an outcome's
  /// cause, "closed", "silent".
  std::string hear();
  /// The answer itself, if it was one.
  const wire::ToController& heard() const { return heard_; }
  std::string ask(const wire::ToAgent& message) {
    say(message);
    return hear();
  }

private:
  std::filesystem::path path_;
  int socket_ = -1;
  FrameReader reader_;
  wire::ToController heard_;
};

}  // namespace kongfleet::hostile
