// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/framing.hpp"

#include "proto/error.hpp"

#include <cstdint>

namespace kongfleet {

namespace {

constexpr std::size_t header_bytes = 4;

std::size_t read_length(std::string_view bytes) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < header_bytes; ++i) {
    length = (length << 8) | static_cast<std::uint8_t>(bytes[i]);
  }
  return length;
}

}  // namespace

std::string frame(std::string_view body, std::size_t limit) {
  if (body.empty() || body.size() > limit) {
    throw Error("frame of " + std::to_string(body.size()) + " bytes: allowed are 1 to " +
                std::to_string(limit));
  }
  std::string out;
  out.reserve(header_bytes + body.size());
  for (const int shift : {24, 16, 8, 0}) {
    out += static_cast<char>((body.size() >> static_cast<unsigned>(shift)) & 0xff);
  }
  out.append(body);
  return out;
}

// A peer that sends frame by frame leaves nothing pending, and what it sent must go all the same.
std::nullopt_t FrameReader::wait_for_more() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  return std::nullopt;
}

std::optional<std::string> FrameReader::next() {
  if (pending() < header_bytes) return wait_for_more();
  const auto length = read_length(std::string_view(buffer_).substr(begin_));
  if (length == 0 || length > limit_) {
    throw Error("frame of " + std::to_string(length) + " bytes announced: allowed are 1 to " +
                std::to_string(limit_));
  }
  if (pending() < header_bytes + length) return wait_for_more();
  auto body = buffer_.substr(begin_ + header_bytes, length);
  begin_ += header_bytes + length;
  return body;
}

}  // namespace kongfleet
