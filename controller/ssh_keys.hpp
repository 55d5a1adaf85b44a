// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_admission.hpp"
#include "controller/ssh_certificate.hpp"
#include "controller/ssh_helpers.hpp"
#include "controller/ssh_passphrase.hpp"

#include <libssh/libssh.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// A key of ours that can sign. Parsed once and shared by all sessions, which only read it.
struct SshKey {
  std::shared_ptr<ssh_key_struct> handle;
  std::string what;  ///< for messages: "'/home/me/.ssh/id_ed25519' (ssh-ed25519)"
  std::optional<CertificateValidity> validity = {};  ///< of a certificate
};

/// What one identity file gave us.
struct SshIdentity {
  std::string path;
  std::vector<SshKey> keys;  ///< with its certificate first; empty while it is locked
  bool locked = false;       ///< it needs a passphrase
  std::string public_blob;   ///< by which an ssh-agent may have it; empty when unknown
  std::string lock_trouble;  ///< why unlocking failed, so that it is asked for only once
};

/// The identity files, each read and parsed once. A certificate `KEY-cert.pub` beside a key goes
/// with it.
class SshKeys {
public:
  SshKeys(const asio::any_io_executor& executor, AskPassphrase ask);

  /// Reads `path`, which may also be a public key whose other half an ssh-agent has. Throws
  /// LinkError(Config) when it is missing, not a key, or readable by others.
  SshIdentity& load(const std::string& path);

  /// Asks for the passphrase of a locked identity, one question at a time. Throws
  /// LinkError(Config).
  asio::awaitable<void> unlock(SshIdentity& identity, SshHelpers& helpers);

private:
  AskPassphrase ask_;
  SshAdmission asking_;
  std::map<std::string, SshIdentity> identities_;
};

/// The bytes of a public key as SSH sends it; empty when libssh cannot tell.
std::string public_blob(ssh_key key);

}  // namespace kongfleet::controller
