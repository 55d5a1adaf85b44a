// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_wire.hpp"

#include "proto/error.hpp"

#include <utility>

namespace kongfleet::agent {

namespace {

constexpr std::size_t mpint_bytes_max = 16384 / 8;
constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::uint8_t octet(char c) { return static_cast<std::uint8_t>(c); }

}  // namespace

SshReader::SshReader(std::string_view bytes, std::string what)
    : rest_(bytes), what_(std::move(what)) {}

void SshReader::fail(const std::string& why) const { throw Error(what_ + ": " + why); }

std::string_view SshReader::raw(std::size_t count) {
  if (count > rest_.size()) fail("ends too early");
  const auto bytes = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return bytes;
}

std::uint64_t SshReader::number(std::size_t bytes) {
  std::uint64_t value = 0;
  for (const char c : raw(bytes)) value = (value << 8) | octet(c);
  return value;
}

std::uint8_t SshReader::byte() { return static_cast<std::uint8_t>(number(1)); }
std::uint32_t SshReader::u32() { return static_cast<std::uint32_t>(number(4)); }
std::uint64_t SshReader::u64() { return number(8); }
std::string_view SshReader::string() { return raw(u32()); }

std::string_view SshReader::text() {
  const auto bytes = string();
  if (bytes.find('\0') != std::string_view::npos) fail("has a zero byte in a text");
  return bytes;
}

std::string_view SshReader::positive() {
  auto bytes = string();
  if (bytes.empty() || (octet(bytes[0]) & 0x80) != 0) fail("has a number that is not positive");
  if (bytes[0] == '\0') {
    bytes.remove_prefix(1);
    const bool needed = !bytes.empty() && (octet(bytes[0]) & 0x80) != 0;
    if (!needed) fail("has a number with a zero before it");
  }
  if (bytes.size() > mpint_bytes_max) fail("has a number of more than 16384 bits");
  return bytes;
}

void SshReader::end() const {
  if (!empty()) fail("has " + std::to_string(size()) + " bytes too many");
}

std::string ssh_string(std::string_view bytes) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>((bytes.size() >> shift) & 0xff);
  return out.append(bytes);
}

std::optional<std::string> base64_decoded(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const auto value = base64_alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> count) & 0xff);
    bits &= (1U << count) - 1;
  }
  // Six bits left over would be a character without a byte; set bits would be a second spelling.
  if (count == 6 || bits != 0) return std::nullopt;
  return out;
}

std::string base64_unpadded(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes) {
    bits = ((bits << 8) | octet(c)) & 0xffff;
    for (count += 8; count >= 6; count -= 6) out += base64_alphabet[(bits >> (count - 6)) & 63];
  }
  if (count > 0) out += base64_alphabet[(bits << (6 - count)) & 63];
  return out;
}

}  // namespace kongfleet::agent
