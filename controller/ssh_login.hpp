// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_agent.hpp"
#include "controller/ssh_keys.hpp"
#include "controller/ssh_route.hpp"

namespace kongfleet::controller {

/// The keys we may show to one host, in the order they are tried: those in plain files first, which
/// cost a millisecond, then what an ssh-agent holds.
struct SshCredentials {
  std::vector<SshKey> keys;
  AgentChoice agent;
};

/// Reads the identity files of `hop`, asking for passphrases where no ssh-agent has the key: before
/// any host is connected to, since hosts do not wait for somebody to find a passphrase. Throws
/// LinkError(Config).
asio::awaitable<SshCredentials> prepare_credentials(const SshHop& hop, SshKeys& keys,
                                                    SshAgent& agent, SshHelpers& helpers);

/// Logs `session` in. Throws LinkError(Auth|Timeout) that names every key tried.
asio::awaitable<void> log_in(SshSession& session, const SshCredentials& credentials,
                             SshAgent& agent, SshHelpers& helpers, const SshStep& step);

}  // namespace kongfleet::controller
