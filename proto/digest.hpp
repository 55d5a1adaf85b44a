// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet {

/// A SHA-256 value.
class Digest {
public:
  static constexpr std::size_t size = 32;
  using Bytes = std::array<std::uint8_t, size>;

  explicit Digest(const Bytes& bytes) : bytes_(bytes) {}
  /// From 64 lower-case hexadecimal digits; nothing for any other text.
  static std::optional<Digest> parse(std::string_view hex);
  std::string hex() const;
  /// The first `digits` hexadecimal digits, for names that people read.
  std::string brief(std::size_t digits = 12) const { return hex().substr(0, digits); }
  auto operator<=>(const Digest&) const = default;

private:
  Bytes bytes_;
};

/// Computes a SHA-256 piece by piece (OpenSSL). Throws Error when the library refuses.
class Sha256 {
public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  /// The digest of all bytes so far; the object then starts afresh.
  Digest finish();

private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Digest sha256(std::string_view bytes);

}  // namespace kongfleet
