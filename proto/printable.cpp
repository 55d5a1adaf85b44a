// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/names.hpp"

#include <cstdint>

namespace kongfleet {

namespace {

void escape(std::string& out, std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

// What reorders or hides text around it: C1 controls, zero-width and bidirectional characters, byte
// order mark.
bool deceptive(std::uint32_t code) {
  return (code >= 0x80 && code < 0xa0) || code == 0xad || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
         code == 0xfeff || code == 0x061c || code >= 0xe0000;
}

struct Decoded {
  std::uint32_t code = 0;
  std::size_t length = 0;  // 0: not UTF-8
};

Decoded decode(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length == 0 || lead > 0xf4 || text.size() < length) return {};
  std::uint32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code = (code << 6) | (next & 0x3fU);
  }
  static constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < least[length] || code > 0x10ffff || surrogate) return {};
  return {code, length};
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    const auto [code, length] = decode(text);
    const auto piece = text.substr(0, length == 0 ? 1 : length);
    const bool plain = length > 0 && code >= 0x20 && code != 0x7f && !deceptive(code);
    std::string next;
    if (plain) {
      next = piece;
    } else if (code == '\n') {
      next = "\\n";
    } else if (code == '\t') {
      next = " ";
    } else {
      escape(next, piece);
    }
    if (out.size() + next.size() > limit) return out + "…";
    out += next;
    text.remove_prefix(piece.size());
  }
  return out;
}

}  // namespace kongfleet
