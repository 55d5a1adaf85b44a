// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kongfleet::simulation {

/// What is left to chance, from one seed: the same on every machine (splitmix64).
class Chance {
public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    auto z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  /// 0 … n-1; n is at least 1.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  /// low … high.
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  std::chrono::milliseconds ms(std::size_t low, std::size_t high) {
    return std::chrono::milliseconds(between(low, high));
  }
  /// True once in n times.
  bool one_in(std::size_t n) { return n != 0 && below(n) == 0; }

private:
  std::uint64_t state_;
};

}  // namespace kongfleet::simulation
