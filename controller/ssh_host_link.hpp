// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_link.hpp"
#include "controller/ssh_admission.hpp"
#include "controller/ssh_channel.hpp"

#include <memory>
#include <string>

namespace kongfleet::controller {

/// What a link is made of.
struct SshLinkParts {
  std::unique_ptr<SshSession> session;
  std::unique_ptr<SshChannel> channel;  // declared after its session: it goes before it
  std::string fingerprint;
  std::shared_ptr<std::string> bridge_trouble;  // null where there is no jump host
  SshAdmission::Place place;
};

/// `error` with what befell the bridge it came over, where that is known.
LinkError with_trouble(const LinkError& error, const std::shared_ptr<std::string>& bridge_trouble);

/// The link to a remote command over one SSH session of its own.
class SshHostLink : public HostLink {
public:
  explicit SshHostLink(SshLinkParts parts);
  ~SshHostLink() override;

  asio::awaitable<void> write(std::string bytes, std::chrono::milliseconds limit) override;
  asio::awaitable<std::string> read(std::chrono::milliseconds limit) override;
  std::string remote_stderr() const override;
  std::optional<int> exit_status() const override;
  std::string host_key_fingerprint() const override { return parts_.fingerprint; }
  void close() noexcept override;

private:
  void check_open() const;

  SshLinkParts parts_;
  std::string who_;
  std::string stderr_;
  std::optional<int> exit_status_;
};

}  // namespace kongfleet::controller
