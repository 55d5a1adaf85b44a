// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// Reads bytes in SSH's wire encoding (RFC 4251, section 5). What it gives are views into them.
/// Throws Error, "WHAT: …", when the bytes end within a value or say one that may not be.
class SshReader {
public:
  /// `what` is for messages: "the signature".
  SshReader(std::string_view bytes, std::string what);

  bool empty() const { return rest_.empty(); }
  std::size_t size() const { return rest_.size(); }
  std::uint8_t byte();
  std::uint32_t u32();
  std::uint64_t u64();
  /// Any bytes.
  std::string_view string();
  /// A text: without NUL, as OpenSSH wants its names.
  std::string_view text();
  /// A positive mpint's bytes, most significant first, without the zero that keeps the sign; at
  /// most 16384 bits (OpenSSH's SSHBUF_MAX_BIGNUM). Exactly one encoding of a number is good.
  std::string_view positive();
  /// The next bytes as they are.
  std::string_view raw(std::size_t count);
  /// Throws Error unless all has been read.
  void end() const;
  [[noreturn]] void fail(const std::string& why) const;

private:
  std::uint64_t number(std::size_t bytes);

  std::string_view rest_;
  std::string what_;
};

/// `bytes` as a string of the wire: their count, then they.
std::string ssh_string(std::string_view bytes);

/// What standard base64 with its padding says; nothing for any text that the encoder doesn't make
/// (other characters, blanks, missing padding, bits that are left over).
std::optional<std::string> base64_decoded(std::string_view text);

/// Standard base64 without padding, as fingerprints are written.
std::string base64_unpadded(std::string_view bytes);

}  // namespace kongfleet::agent
