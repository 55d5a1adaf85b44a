// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/ssh_certificate.hpp"

#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// What a line of allowed_signers says about its key.
struct SignerOptions {
  bool cert_authority = false;
  std::optional<std::string> namespaces;  // a pattern list; nothing: any
  std::optional<std::time_t> valid_after;
  std::optional<std::time_t> valid_before;  // the last second
};

/// A line of allowed_signers.
struct AllowedSigner {
  std::size_t line;
  std::string principals;  // a pattern list
  SignerOptions options;
  SshKey key;
};

/// Who may sign releases: a file as ssh-keygen(1) describes under ALLOWED SIGNERS. Where that skips
/// a line it does not understand, this is an error, and so is what would let anybody sign (a
/// principal of '*') or nobody (an empty file). A certificate in a key's place is one too: its
/// validity would not be looked at.
class AllowedSigners {
public:
  /// Throws Error, "NAME:LINE:COLUMN: …".
  static AllowedSigners parse(std::string_view text, const std::string& name);

  /// As whom `signer` may sign a release at `now`: the line's principals, or those of the
  /// certificate that the line of its authority takes. `now` is this host's clock; what is signed
  /// has no say. Throws Error that tells why it may not. A certificate must be of a user, valid,
  /// without critical options (none says anything about releases), and signed by the authority.
  std::string principals_of(const SshSigner& signer, std::time_t now) const;

  const std::vector<AllowedSigner>& lines() const { return lines_; }

private:
  std::string name_;
  std::vector<AllowedSigner> lines_;
};

}  // namespace kongfleet::agent
