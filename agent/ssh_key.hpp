// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/ssh_wire.hpp"

#include <string>
#include <string_view>

namespace kongfleet::agent {

/// A public key whose signatures count: ssh-ed25519, ecdsa-sha2-nistp256, -384, -521, ssh-rsa of
/// 2048 to 16384 bits, and of a security key sk-ssh-ed25519@openssh.com and
/// sk-ecdsa-sha2-nistp256@openssh.com. Two keys are the same when all bytes are.
class SshKey {
public:
  /// Of a whole blob. Throws Error, "WHAT: …", for other bytes, other types, and for what is too
  /// weak: DSA and short RSA.
  static SshKey parse(std::string_view blob, const std::string& what);
  /// Of the fields that follow the type's name, as a certificate holds them; leaves `reader` behind
  /// them.
  static SshKey read(std::string_view algorithm, SshReader& reader);

  const std::string& algorithm() const { return algorithm_; }
  const std::string& blob() const { return blob_; }
  /// "SHA256:…", as ssh-keygen -l prints it.
  std::string fingerprint() const { return fingerprint_of(blob_); }
  static std::string fingerprint_of(std::string_view blob);

  /// Whether `signature` is this key's, of `data`. A signature is what RFC 4253 (section 6.6), RFC
  /// 8332 and OpenSSH's PROTOCOL.u2f say: the algorithm's name, then its bytes. Throws Error when
  /// it is none of this kind of key, by a weak algorithm (SHA-1), or when the holder of a security
  /// key did not touch it. ssh-keygen -Y verify accepts the last; a release is signed by somebody
  /// who was there.
  bool verifies(std::string_view signature, std::string_view data) const;

  bool operator==(const SshKey&) const = default;

private:
  SshKey(std::string algorithm, std::string blob);

  std::string algorithm_;
  std::string blob_;
};

}  // namespace kongfleet::agent
