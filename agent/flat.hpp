// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// Writes numbers and texts one after the other, so plainly that who reads them has nothing to get
/// wrong: a number is eight bytes, most significant first; a text is its length as a number, then
/// its bytes; a list is its count, then its elements.
class FlatWriter {
public:
  FlatWriter& number(std::uint64_t value);
  FlatWriter& text(std::string_view bytes);
  std::string take() { return std::move(out_); }

private:
  std::string out_;
};

/// Reads them back. Throws Error where there is less than is asked for; takes memory for nothing.
class FlatReader {
public:
  explicit FlatReader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number();
  /// Throws Error for one above `max`.
  std::uint64_t number(std::uint64_t max);
  std::uint32_t number32() { return static_cast<std::uint32_t>(number(UINT32_MAX)); }
  /// Lives as long as the bytes that were given.
  std::string_view text();
  /// Throws Error when something is left.
  void end() const;

private:
  std::string_view rest_;
};

}  // namespace kongfleet::agent
