// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_bridge.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace kongfleet::controller {
namespace {

constexpr std::size_t held_max = 64 * 1024;  // bytes on the way, each way

/// The bytes on the way, and which directions have come to their end.
struct Flow {
  std::string outward;  // from the socket to the channel
  std::string inward;
  bool socket_ended = false;
  bool channel_ended = false;
};

/// What a non-blocking read or write of `fd` came to: how much, 0 for the end, -1 for "not now".
ssize_t outcome(ssize_t result) {
  if (result >= 0) return result;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return -1;
  return 0;  // whatever broke it: the other end is gone
}

/// Takes what the socket has and hands it to the channel. Whether anything moved.
bool move_outward(Flow& flow, int fd, SshChannel& channel, const SshStep& step) {
  bool moved = false;
  if (flow.outward.empty() && !flow.socket_ended) {
    thread_local std::array<char, held_max> buffer;
    const ssize_t got = outcome(::recv(fd, buffer.data(), buffer.size(), 0));
    if (got > 0) flow.outward.assign(buffer.data(), static_cast<std::size_t>(got));
    flow.socket_ended = got == 0;
    moved = got >= 0;
  }
  // Only what libssh has passed on makes room for more: it would hold as much as the window allows.
  if (!flow.outward.empty() && channel.flushed()) {
    const std::size_t written = channel.write_now(flow.outward, step);
    flow.outward.erase(0, written);
    moved = moved || written > 0;
  }
  return moved;
}

bool move_inward(Flow& flow, int fd, SshChannel& channel, const SshStep& step) {
  bool moved = false;
  if (flow.inward.empty() && !flow.channel_ended) {
    std::optional<std::string> bytes = channel.read_now(step);
    moved = bytes.has_value();
    flow.channel_ended = bytes && bytes->empty();
    if (bytes) flow.inward = std::move(*bytes);
  }
  if (!flow.inward.empty()) {
    const ssize_t put = outcome(::send(fd, flow.inward.data(), flow.inward.size(), MSG_NOSIGNAL));
    flow.socket_ended = flow.socket_ended || put == 0;
    if (put > 0) flow.inward.erase(0, static_cast<std::size_t>(put));
    moved = moved || put >= 0;
  }
  return moved;
}

/// Moves bytes until a side ends.
asio::awaitable<void> pump(SshSession& session, SshChannel& channel, SshFd fd) {
  SshStep step(LinkFault::Lost, "carrying the connection on", std::chrono::hours(24 * 365));
  SshWatch watch(session.gate());
  SshFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) session.fail(step, std::generic_category().message(errno));
  watch.assign(std::move(copy));
  Flow flow;
  for (;;) {
    const bool out = move_outward(flow, fd.get(), channel, step);
    const bool in = move_inward(flow, fd.get(), channel, step);
    if (flow.socket_ended || (flow.channel_ended && flow.inward.empty())) co_return;
    if (out || in) continue;
    if (flow.outward.empty()) watch.on_readable();
    if (!flow.inward.empty()) watch.on_writable();
    co_await session.wait(step);
  }
}

asio::awaitable<void> carry(SshBridge bridge, SshFd fd) {
  // Named here: what a coroutine was given is destroyed only after what it made, the socket among
  // it.
  const std::shared_ptr<std::string> trouble = bridge.trouble;
  try {
    co_await pump(*bridge.session, *bridge.channel, std::move(fd));
    *trouble = bridge.session->who() + ": the connection onward has ended";
  } catch (const std::exception& error) {
    *trouble = error.what();
  }
}

}  // namespace

SshFd start_bridge(SshBridge bridge) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    throw_errno("making a socket pair");
  }
  SshFd ours(ends[0]);
  SshFd theirs(ends[1]);
  const asio::any_io_executor executor = bridge.session->gate()->executor();
  const std::shared_ptr<std::string> trouble = bridge.trouble;
  asio::co_spawn(executor, carry(std::move(bridge), std::move(ours)),
                 [trouble](const std::exception_ptr& error) {
                   if (error && trouble->empty()) *trouble = "the jump host's link broke";
                 });
  return theirs;
}

}  // namespace kongfleet::controller
