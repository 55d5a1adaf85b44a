// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/flat.hpp"

#include "proto/error.hpp"

namespace kongfleet::agent {

namespace {

constexpr std::size_t number_bytes = 8;

}  // namespace

FlatWriter& FlatWriter::number(std::uint64_t value) {
  for (unsigned shift = 64; shift > 0; shift -= 8)
    out_ += static_cast<char>((value >> (shift - 8)) & 0xff);
  return *this;
}

FlatWriter& FlatWriter::text(std::string_view bytes) {
  number(bytes.size());
  out_.append(bytes);
  return *this;
}

std::uint64_t FlatReader::number() {
  if (rest_.size() < number_bytes) throw Error("a command that ends in a number");
  std::uint64_t value = 0;
  for (const char byte : rest_.substr(0, number_bytes))
    value = (value << 8) | static_cast<std::uint8_t>(byte);
  rest_.remove_prefix(number_bytes);
  return value;
}

std::uint64_t FlatReader::number(std::uint64_t max) {
  const auto value = number();
  if (value > max) {
    throw Error("a command with " + std::to_string(value) + " where at most " +
                std::to_string(max) + " is allowed");
  }
  return value;
}

std::string_view FlatReader::text() {
  const auto size = number();
  if (size > rest_.size()) throw Error("a command that ends in a text");
  const auto bytes = rest_.substr(0, static_cast<std::size_t>(size));
  rest_.remove_prefix(bytes.size());
  return bytes;
}

void FlatReader::end() const {
  if (!rest_.empty()) throw Error("a command that does not end where it should");
}

}  // namespace kongfleet::agent
