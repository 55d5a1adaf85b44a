// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/framing.hpp"
#include "proto/kongfleet.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// The largest frame between an interpreter and the daemon: a message and what surrounds its parts.
constexpr std::size_t channel_bytes_max = frame_bytes_max + (std::size_t{64} << 10);
constexpr int releases_max = 256;
constexpr int probes_max = 64;

/// What an interpreter (agent/interpreter.hpp) tells the daemon of one message of its peer. The
/// daemon reads it without the parsers that the peer's own bytes went through: flat fields
/// (agent/flat.hpp) go one by one into a message made anew.
struct Command {
  enum class Kind : std::uint8_t {
    Message,   // what the peer wants; of a Blob: a piece of content itself, not compressed
    Nonsense,  // it wants what makes no sense: it is told why, and the conversation is over
    Broken,    // what came is not even a message: the conversation is over
  } kind = Kind::Message;
  wire::ToAgent message;
  std::string why;
};

/// A message as the daemon reads it. Throws Error, for the peer, when the message has more of
/// something than is allowed or is of no kind we know.
std::string flat(const wire::ToAgent& message);
std::string flat_nonsense(std::string_view why);
std::string flat_broken(std::string_view why);
/// A piece of content; the end of it is the last, empty one.
std::string flat_content(std::string_view piece);
std::string flat_content_end();

/// Throws Error for what no interpreter of ours writes.
Command read_command(std::string_view bytes);

/// What the daemon says: any number of answers to a command, then that it is the peer's turn.
struct Reply {
  bool is_answer = false;
  std::string_view answer;               // a ToController, for the peer as it is
  std::optional<std::uint64_t> content;  // so many bytes of it are awaited from here on
};
std::string flat_answer(std::string_view answer);
std::string flat_turn(std::optional<std::uint64_t> content);
/// It lives as long as `bytes`.
Reply read_reply(std::string_view bytes);

}  // namespace kongfleet::agent
