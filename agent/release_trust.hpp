// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// What came from the controller: not believed.
struct SignedRelease {
  std::string_view manifest;   // the text that is signed, to the byte
  std::string_view signature;  // armored, as ssh-keygen -Y sign writes it; empty: unsigned
};

/// A file of this host, and its name for messages.
struct TrustFile {
  std::string name;
  std::string_view bytes;
};

/// Who may sign for this host.
struct TrustRules {
  TrustFile allowed_signers;
  std::optional<TrustFile> revoked_keys;
};

/// Who signed a release.
struct ReleaseSigner {
  std::string principals;   // of the line in allowed_signers, or what it takes of the certificate's
  std::string key_type;     // "ssh-ed25519"
  std::string fingerprint;  // "SHA256:…"
};

/// Who signed `release`, and may at `now`, this host's clock. Throws Error, with a message of its
/// own for each, where the release is unsigned, the signature is none, for another purpose, by a
/// weak algorithm, by an unknown, revoked, not yet or no longer valid key, or of another text; and
/// where the rules themselves are broken. Reads no file.
ReleaseSigner require_trusted(const SignedRelease& release, const TrustRules& rules,
                              std::time_t now);

}  // namespace kongfleet::agent
