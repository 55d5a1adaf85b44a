// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_link.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace kongfleet::controller {

/// How a command on a host ended. The texts are the host's: to be made printable.
struct RemoteResult {
  std::optional<int> exit_status;  // nothing: a signal ended it, or the host never told
  std::string output;              // its stdout, at most 64 KiB
  std::string errors;              // the first 8 KiB of its stderr
};

/// Something to be told to a host, and for how long it may be silent.
struct RemoteCommand {
  std::string command;
  std::shared_ptr<const std::string> input;  // its stdin; null: nothing. It sees no end of it.
  std::chrono::milliseconds patience{};      // without a byte either way
};

/// Runs a command on a host to its end. Throws LinkError, and Error where it says more than 64 KiB.
asio::awaitable<RemoteResult> run_remote(HostLinks& links, HostAddress host, RemoteCommand command);

}  // namespace kongfleet::controller
