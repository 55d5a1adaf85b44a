// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/ssh_certificate.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// What `ssh-keygen -Y sign` writes (OpenSSH's PROTOCOL.sshsig), read but not believed.
///
/// It is read as strictly as it is written: nothing before, after or between, and nothing that the
/// signature doesn't cover may vary, so that nobody but the signer makes a second text that is as
/// good. ssh-keygen is laxer (the version may be 0, "reserved" is skipped, text may follow).
struct SshSignature {
  SshSigner signer;
  std::string name_space;
  std::string hash;  // "sha256" or "sha512"
  std::string blob;

  static constexpr std::size_t bytes_max = std::size_t{64} << 10;  // RSA of 16384 bits fits thrice

  /// Of the armored text. Throws Error: "not an SSH signature: …", or of a weak algorithm.
  static SshSignature parse(std::string_view armored);

  /// Whether it is the signer's, of `message` and nothing else, in its namespace. Throws Error for
  /// what SshKey::verifies does.
  bool verifies(std::string_view message) const;
};

}  // namespace kongfleet::agent
