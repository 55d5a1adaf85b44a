// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_host_link.hpp"

#include <utility>

namespace kongfleet::controller {
namespace {

// How long the exit status may take once the command's output has ended: it mostly comes with it.
constexpr auto exit_limit = std::chrono::milliseconds(1000);

}  // namespace

LinkError with_trouble(const LinkError& error, const std::shared_ptr<std::string>& bridge_trouble) {
  if (!bridge_trouble || bridge_trouble->empty()) return error;
  return {error.fault(), std::string(error.what()) + " (" + *bridge_trouble + ')'};
}

SshHostLink::SshHostLink(SshLinkParts parts)
    : parts_(std::move(parts)), who_(parts_.session->who()) {}

SshHostLink::~SshHostLink() { SshHostLink::close(); }

void SshHostLink::check_open() const {
  if (!parts_.channel) throw LinkError(LinkFault::Lost, who_ + ": the link is closed");
}

asio::awaitable<void> SshHostLink::write(std::string bytes, std::chrono::milliseconds limit) {
  check_open();
  const SshStep step(LinkFault::Lost, "sending", limit);
  try {
    co_await parts_.channel->write(bytes, step);
  } catch (const LinkError& error) {
    throw with_trouble(error, parts_.bridge_trouble);
  }
}

asio::awaitable<std::string> SshHostLink::read(std::chrono::milliseconds limit) {
  check_open();
  const SshStep step(LinkFault::Lost, "receiving", limit);
  std::string bytes;
  try {
    bytes = co_await parts_.channel->read(step);
  } catch (const LinkError& error) {
    throw with_trouble(error, parts_.bridge_trouble);
  }
  if (bytes.empty()) {
    const SshStep ending(LinkFault::Lost, "waiting for the exit status", exit_limit);
    try {
      co_await parts_.channel->wait_exit(ending);
    } catch (const LinkError&) {
      // The output is whole; only how the command ended stays unknown.
    }
  }
  co_return bytes;
}

std::string SshHostLink::remote_stderr() const {
  return parts_.channel ? parts_.channel->remote_stderr() : stderr_;
}

std::optional<int> SshHostLink::exit_status() const {
  return parts_.channel ? parts_.channel->exit_status() : exit_status_;
}

void SshHostLink::close() noexcept {
  if (!parts_.channel) return;
  stderr_ = parts_.channel->remote_stderr();
  exit_status_ = parts_.channel->exit_status();
  parts_.channel.reset();
  parts_.session.reset();
  parts_.place.leave();
}

}  // namespace kongfleet::controller
