// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_link.hpp"
#include "controller/ssh_admission.hpp"
#include "controller/ssh_agent.hpp"
#include "controller/ssh_config.hpp"
#include "controller/ssh_helpers.hpp"
#include "controller/ssh_keys.hpp"
#include "controller/ssh_login.hpp"
#include "controller/ssh_route.hpp"
#include "controller/ssh_settings.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Opens links over SSH: libssh sessions, none of them blocking, on one thread.
///
/// Files (known_hosts, keys, ssh_config) are read once, when they are first needed. It must be
/// destroyed before its io_context, and may be while links are still open; it then waits for
/// look-ups under way. Many links need many descriptors: the constructor raises the process's soft
/// limit where it can.
class SshLinks : public HostLinks {
public:
  /// Throws Error when ssh_config cannot be read.
  SshLinks(asio::any_io_executor executor, SshSettings settings);

  asio::awaitable<std::unique_ptr<HostLink>> open(const HostAddress& host,
                                                  const std::string& command) override;

  /// What was passed over: blocks of ssh_config, lines of the known_hosts files read so far.
  std::vector<std::string> notes() const;

private:
  asio::awaitable<std::unique_ptr<HostLink>> open_link(HostAddress host, std::string command);
  /// A session that is logged in, and how the bridge it may run over is doing.
  struct Reached {
    std::unique_ptr<SshSession> session;
    std::string fingerprint;
    std::shared_ptr<std::string> bridge_trouble;
  };
  /// What is tried at one hop.
  struct Attempt {
    std::string who;  // "host 'edge-01', jump host 'bastion'"
    const SshHop* hop;
    SshFd fd;
    std::shared_ptr<std::string> bridge_trouble;
  };
  asio::awaitable<Reached> reach(const std::string& name, const SshRoute& route);
  asio::awaitable<std::vector<SshCredentials>> prepare(const SshRoute& route);
  asio::awaitable<SshFd> connect(const Attempt& attempt);
  asio::awaitable<Reached> enter(Attempt& attempt, const SshCredentials& credentials);
  asio::awaitable<void> onward(Attempt& attempt, Reached reached, const SshHop& next);
  const KnownHosts& known_hosts(const std::vector<std::filesystem::path>& files);
  SshAdmission& jump_admission(const SshHop& hop);

  asio::any_io_executor executor_;
  SshSettings settings_;
  SshConfig config_;
  SshKeys keys_;  // before the helpers: they may be asking for a passphrase when both go
  SshHelpers helpers_;
  SshAgent agent_;  // after the helpers: they may be waiting for it when both go
  std::map<std::vector<std::filesystem::path>, KnownHosts> known_hosts_;
  SshAdmission open_;
  SshAdmission connecting_;
  std::map<std::string, SshAdmission> at_jump_host_;
};

}  // namespace kongfleet::controller
