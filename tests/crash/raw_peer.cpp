// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/raw_peer.hpp"

#include "proto/error.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kongfleet::crash {

namespace {

constexpr int silence_ms = 20'000;

}  // namespace

RawPeer::RawPeer(const std::filesystem::path& socket)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw_errno("connect to", socket);
}

RawPeer::RawPeer(RawPeer&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), reader_(std::move(other.reader_)) {}

RawPeer::~RawPeer() {
  if (socket_ >= 0) ::close(socket_);
}

void RawPeer::say_raw(const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const auto sent = ::send(socket_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;
    done += static_cast<std::size_t>(sent);
  }
}

std::optional<wire::ToController> RawPeer::hear_or_end() {
  for (;;) {
    if (const auto body = reader_.next()) {
      wire::ToController message;
      if (!message.ParseFromString(*body)) throw Error("the agent's answer can't be read");
      return message;
    }
    pollfd event{socket_, POLLIN, 0};
    if (::poll(&event, 1, silence_ms) == 0) throw Error("the agent says nothing");
    char buffer[65536];
    const auto got = ::read(socket_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;  // reset, where it had not read all that was said
    reader_.feed({buffer, static_cast<std::size_t>(got)});
  }
}

wire::ToController RawPeer::hear() {
  auto message = hear_or_end();
  if (!message) throw Error("the agent is gone");
  return *std::move(message);
}

}  // namespace kongfleet::crash
