// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace kongfleet {

/// How many fields a message may have, those of the messages in it included. The largest that makes
/// sense is a plan that lacks every file of several releases: a frame has room for 52,000 digests.
constexpr std::size_t message_fields_max = 65'536;

/// Which kind of message a frame holds (proto/kongfleet.proto).
enum class MessageKind { ToAgent, ToController };

/// Throws Error for a message with more fields, before memory is taken for any: one that is empty
/// takes two bytes on the wire and a hundred and more in memory, so that a frame of the largest
/// size would become half a gigabyte. What is no message at all is left to the parser.
void check_message_fields(std::string_view bytes, MessageKind kind);

/// For a test that compares it with proto/kongfleet.proto: whether field `number` of the message
/// `message` counts as one that holds fields itself.
bool holds_fields(std::string_view message, unsigned number);

}  // namespace kongfleet
