// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/ssh_key.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// What an authority says about a key (OpenSSH's PROTOCOL.certkeys), read but not believed: whoever
/// trusts `authority` asks `check_issued` first.
struct SshCertificate {
  std::uint64_t serial = 0;
  std::uint32_t type = 0;  // 1: of a user, 2: of a host
  std::string key_id;
  std::vector<std::string> principals;
  std::uint64_t valid_after = 0;
  std::uint64_t valid_before = 0;             // the first second when it no longer is
  std::vector<std::string> critical_options;  // their names
  SshKey authority;
  std::string to_be_signed;
  std::string signature;

  /// Throws Error unless the authority signed it.
  void check_issued() const;
};

/// Who signed: a key, and its certificate when it came with one.
struct SshSigner {
  SshKey key;
  std::optional<SshCertificate> certificate;

  /// Of a public key's blob, plain or a certificate. Throws Error, "WHAT: …", as SshKey does.
  static SshSigner parse(std::string_view blob, const std::string& what);
  /// "ssh-ed25519 SHA256:…", for messages.
  std::string text() const { return key.algorithm() + " " + key.fingerprint(); }
};

/// Whether keys of this type's name are certificates.
bool is_certificate_type(std::string_view name);

}  // namespace kongfleet::agent
