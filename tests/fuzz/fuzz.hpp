// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::fuzz {

/// What reads bytes that anybody may have made, as libFuzzer calls it: given any of them it returns
/// 0, in bounded memory and time. It aborts where a property does not hold.
struct Target {
  std::string_view name;  // its seeds lie in tests/fuzz/corpus/NAME/
  int (*run)(const std::uint8_t* data, std::size_t size);
};

const std::vector<Target>& targets();

/// Bytes that are taken apart from the front.
class Input {
public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}
  /// The next byte; 0 at the end.
  std::uint8_t byte();
  std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
};

/// A property: says what does not hold, and aborts.
void require(bool holds, std::string_view property);

/// Of what is shown to people: UTF-8 without control, bidirectional or invisible characters. Line
/// ends are let through.
bool harmless(std::string_view text);

/// Runs it; what it throws as an Error is its right to refuse. Any other exception aborts.
template <class Work>
void may_refuse(Work work);

}  // namespace kongfleet::fuzz

#include "proto/error.hpp"

template <class Work>
void kongfleet::fuzz::may_refuse(Work work) {
  try {
    work();
  } catch (const Error& error) {
    const std::string_view said = error.what();
    require(!said.empty(), "a refusal says why");
  }
}
