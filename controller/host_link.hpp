// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/error.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

namespace asio = boost::asio;

/// Why a link could not be had, or was lost.
enum class LinkFault {
  Resolve,  ///< the name has no address
  Connect,  ///< nobody answers there, or what answers does not speak SSH
  Timeout,  ///< a phase took longer than its limit
  HostKey,  ///< the host's key is unknown, changed or revoked: nothing was sent to it
  Auth,     ///< the host took none of our keys
  Exec,     ///< the host let us in, but would not start the command
  Lost,     ///< the connection broke once the host had shown its key
  Config,  ///< our side is set up wrongly (a key file, a jump, a host name): trying again is no use
};

/// The text names the host, the phase and the reason.
class LinkError : public Error {
public:
  LinkError(LinkFault fault, const std::string& what) : Error(what), fault_(fault) {}
  LinkFault fault() const { return fault_; }

private:
  LinkFault fault_;
};

/// A byte stream to one host's agent. The seam between the conversation with an agent and SSH; a
/// fake stands in for it in unit tests. Used from the one thread it was opened on; at most one
/// `read` or one `write` is under way at a time.
class HostLink {
public:
  virtual ~HostLink() = default;

  /// Writes all of `bytes`; memory stays bounded, the peer's pace is ours. Throws
  /// LinkError(Timeout|Lost). What the peer sent meanwhile is kept for `read`.
  virtual asio::awaitable<void> write(std::string bytes, std::chrono::milliseconds limit) = 0;

  /// The next bytes the peer sent (1..64 KiB), or an empty string at end of stream. Throws
  /// LinkError(Timeout|Lost). After a Timeout here the link is still whole and may be read again.
  virtual asio::awaitable<std::string> read(std::chrono::milliseconds limit) = 0;

  /// What the remote command wrote to stderr so far (the first 8 KiB), for diagnosis, e.g. "sh: 1:
  /// kongfleet-agent: not found". It is the host's text: escape it before showing it.
  virtual std::string remote_stderr() const = 0;

  /// Exit status of the remote command once known: always after `read` gave an end of stream,
  /// unless a signal ended the command or the host never told.
  virtual std::optional<int> exit_status() const = 0;

  /// The SHA256 fingerprint ("SHA256:…") of the host key that was verified.
  virtual std::string host_key_fingerprint() const = 0;

  /// Ends the link at once; the destructor does it too. Never while a read or write is under way.
  virtual void close() noexcept = 0;
};

/// Where a host is, as the fleet file says it.
struct HostAddress {
  std::string name;  ///< DNS name, IPv4, IPv6 or an alias of ssh_config
  std::optional<std::uint16_t> port;
  std::optional<std::string> user;
  std::vector<std::string> identity_files;
};

/// Opens links. One per process; on one io_context thread.
class HostLinks {
public:
  virtual ~HostLinks() = default;

  /// Connects to `host` and starts `command` there. Throws LinkError.
  virtual asio::awaitable<std::unique_ptr<HostLink>> open(const HostAddress& host,
                                                          const std::string& command) = 0;
};

}  // namespace kongfleet::controller
