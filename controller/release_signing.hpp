// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/manifest.hpp"

#include <filesystem>
#include <string>

namespace kongfleet::controller {

/// Signs a manifest's text in OpenSSH's format (PROTOCOL.sshsig), namespace release_namespace
/// (proto/release_terms.hpp). ssh-keygen(1) does it, so that every key it knows can sign, and no
/// private key is ever in this process: `key` is a private key (its passphrase is asked for at the
/// terminal), or a public one whose private one the ssh-agent of SSH_AUTH_SOCK holds. The signature
/// in its armoured form. Throws Error, with what ssh-keygen said.
std::string sign_manifest(const Manifest& manifest, const std::filesystem::path& key);

}  // namespace kongfleet::controller
