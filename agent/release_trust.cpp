// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/release_trust.hpp"

#include "agent/allowed_signers.hpp"
#include "agent/revoked_keys.hpp"
#include "agent/ssh_signature.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"
#include "proto/release_terms.hpp"

namespace kongfleet::agent {

ReleaseSigner require_trusted(const SignedRelease& release, const TrustRules& rules,
                              std::time_t now) {
  if (now <= 0) throw Error("this host's clock stands before 1970: nobody's key is valid then");
  if (release.signature.empty())
    throw Error("the release is not signed; ssh-keygen -Y sign -n " +
                std::string(release_namespace) + " does");
  const auto signature = SshSignature::parse(release.signature);
  const auto& signer = signature.signer;
  if (signature.name_space != release_namespace)
    throw Error("signed by " + signer.text() + " for '" + printable(signature.name_space, 128) +
                "', not for '" + std::string(release_namespace) + "'");

  const auto& allowed_file = rules.allowed_signers;
  const auto allowed = AllowedSigners::parse(allowed_file.bytes, allowed_file.name);
  if (rules.revoked_keys) {
    const auto& file = *rules.revoked_keys;
    const auto why = RevokedKeys::parse(file.bytes, file.name).why_revoked(signer);
    if (!why.empty()) throw Error(why + " by '" + file.name + "'");
  }
  auto principals = allowed.principals_of(signer, now);
  // Last: only with keys that this host's own files name is anything computed.
  if (!signature.verifies(release.manifest))
    throw Error("the manifest is not the text that " + signer.text() + " signed: it was altered");
  return {std::move(principals), signer.key.algorithm(), signer.key.fingerprint()};
}

}  // namespace kongfleet::agent
