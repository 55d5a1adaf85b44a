// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/names.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

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

struct CodeRange {
  std::uint32_t first, last;
};

// What reorders or hides text around it, or cannot be seen itself: C1 controls, zero-width and
// bidirectional characters, fillers, joiners, variation selectors, byte order mark, tags (Unicode's
// Default_Ignorable_Code_Point, and what only annotates).
constexpr CodeRange deceptive_ranges[] = {
    {0x80, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},   {0x115f, 0x1160},
    {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e}, {0x2060, 0x206f},
    {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff}};

bool deceptive(std::uint32_t code) {
  return std::any_of(
      std::begin(deceptive_ranges), std::end(deceptive_ranges),
      [code](const CodeRange& range) { return code >= range.first && code <= range.last; });
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
