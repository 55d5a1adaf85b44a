// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_wire.hpp"

namespace kongfleet::controller {

void put_u32(std::string& out, std::size_t value) {
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>((value >> shift) & 0xffU);
}

void put_string(std::string& out, std::string_view text) {
  put_u32(out, text.size());
  out += text;
}

std::optional<std::size_t> take_u32(std::string_view& in) {
  if (in.size() < 4) return std::nullopt;
  std::size_t value = 0;
  for (int i = 0; i < 4; ++i) value = (value << 8) | static_cast<unsigned char>(in[std::size_t(i)]);
  in.remove_prefix(4);
  return value;
}

std::optional<std::string> take_string(std::string_view& in) {
  const std::optional<std::size_t> length = take_u32(in);
  if (!length || *length > in.size()) return std::nullopt;
  std::string text(in.substr(0, *length));
  in.remove_prefix(*length);
  return text;
}

}  // namespace kongfleet::controller
