// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/frame_socket.hpp"

#include "proto/error.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace kongfleet::agent {

void FrameSocket::wait(short events, std::chrono::steady_clock::time_point deadline) const {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd poll_fd{socket_.get(), events, 0};
    const int ready =
        ::poll(&poll_fd, 1, static_cast<int>(std::clamp<long>(left.count(), 0, 3'600'000)));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw_errno("wait for the controller");
    if (ready == 0 && left.count() <= 0)
      throw Error("the controller has said nothing for too long");
  }
}

std::optional<std::string> FrameSocket::receive(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    auto body = reader_.next();
    if (body) return body;
    wait(POLLIN, deadline);
    if (!take()) return std::nullopt;
  }
}

bool FrameSocket::take() {
  char buffer[65536];
  const auto got = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got < 0) throw_errno("read from the controller");
  if (got == 0 && reader_.pending() > 0)
    throw Error("the controller went away in the middle of a message");
  reader_.feed({buffer, static_cast<std::size_t>(got)});
  return got > 0;
}

void FrameSocket::send(std::string_view body, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  const auto bytes = frame(body, bytes_max_);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    wait(POLLOUT, deadline);
    const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent < 0) throw_errno("write to the controller");
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace kongfleet::agent
