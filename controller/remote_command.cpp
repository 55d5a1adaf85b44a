// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/remote_command.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

constexpr std::size_t remote_output_max = std::size_t{64} << 10;
constexpr std::size_t input_piece = std::size_t{256} << 10;

// A command that ends before it has read all says why on its stderr: that is what counts then.
asio::awaitable<void> feed(HostLink& link, const std::string& input,
                           std::chrono::milliseconds patience) {
  try {
    for (std::size_t at = 0; at < input.size(); at += input_piece) {
      auto piece = input.substr(at, input_piece);
      co_await link.write(std::move(piece), patience);
    }
  } catch (const LinkError& error) {
    if (error.fault() != LinkFault::Lost) throw;
  }
}

}  // namespace

asio::awaitable<RemoteResult> run_remote(HostLinks& links, HostAddress host,
                                         RemoteCommand command) {
  const auto link = co_await links.open(host, command.command);
  if (command.input) co_await feed(*link, *command.input, command.patience);
  RemoteResult result;
  for (;;) {
    const auto piece = co_await link->read(command.patience);
    if (piece.empty()) break;
    result.output += piece;
    if (result.output.size() > remote_output_max) {
      throw Error("host '" + host.name + "' says more than a command of ours does");
    }
  }
  result.exit_status = link->exit_status();
  result.errors = link->remote_stderr();
  co_return result;
}

}  // namespace kongfleet::controller
