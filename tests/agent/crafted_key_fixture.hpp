// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace kongfleet::agent::test {

/// The envelope of PROTOCOL.sshsig, so that each of its fields can be wrong.
struct Envelope {
  std::uint32_t version = 1;
  std::string key;  // a blob
  std::string name_space = "kongfleet-release-v1";
  std::string reserved = "";
  std::string hash = "sha512";
  std::string signature = "";
  std::string trailing = "";

  std::string armored() const;
  /// What the key signs, for `message`.
  std::string to_sign(std::string_view message) const;
};

/// A key whose signatures no ssh-keygen makes here: those of security keys, which we have none of,
/// and by algorithms that nobody should use. Made with libcrypto.
class CraftedKey {
public:
  enum class Kind { SecurityEd25519, SecurityEcdsa, Rsa };
  explicit CraftedKey(Kind kind);
  ~CraftedKey();
  CraftedKey(const CraftedKey&) = delete;
  CraftedKey& operator=(const CraftedKey&) = delete;

  std::string blob() const;
  /// "TYPE BASE64"
  std::string public_key() const;
  std::uint8_t flags = 1;             // of a security key: touched
  std::uint32_t counter = 42;         // likewise
  std::string algorithm = "ssh-rsa";  // of an RSA key: over SHA-1
  /// A signature's blob.
  std::string sign(std::string_view data) const;
  /// The whole, of `message`.
  std::string armored(const std::string& message, Envelope envelope = {}) const;

private:
  struct Key;
  std::string type() const;
  std::string raw_signature(const char* digest, std::string_view data) const;
  Kind kind_;
  std::unique_ptr<Key> key_;
};

/// Four bytes of the wire, and a positive mpint.
std::string wire_u32(std::uint32_t value);
std::string wire_mpint(std::string_view magnitude);

}  // namespace kongfleet::agent::test
