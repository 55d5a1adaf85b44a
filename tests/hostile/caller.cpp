// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/caller.hpp"

#include "proto/error.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kongfleet::hostile {

namespace {

constexpr auto patience = std::chrono::seconds(10);

std::string in_words(const wire::ToController& message) {
  if (message.has_refused()) return "refused: " + message.refused().text();
  if (message.has_welcome()) return "welcome";
  if (message.has_outcome())
    return "outcome " + std::to_string(message.outcome().result()) + ": " +
           message.outcome().cause();
  if (!message.has_plan()) return "answered";
  std::string text = "plan";
  for (const auto& finding : message.plan().refusals())
    text += "; refused: " + finding.code() + ": " + finding.text();
  return text;
}

}  // namespace

Caller::Caller(std::filesystem::path socket) : path_(std::move(socket)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.native().size() >= sizeof address.sun_path) throw Error("socket: its path is too long");
  std::memcpy(address.sun_path, path_.c_str(), path_.native().size());
  socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0 ||
      ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw_errno("connect to", path_);
}

Caller::~Caller() { ::close(socket_); }

void Caller::raw(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Caller::hang_up() const { ::shutdown(socket_, SHUT_WR); }

void Caller::greet() {
  wire::ToAgent hello;
  hello.mutable_hello()->set_protocol(protocol_version);
  hello.mutable_hello()->set_controller("mallory@nowhere");
  const auto answer = ask(hello);
  if (answer != "welcome") throw Error("the agent did not welcome: " + answer);
}

std::string Caller::hear() {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    while (const auto body = reader_.next()) {
      if (!heard_.ParseFromString(*body)) return "an answer that is none";
      if (!heard_.has_progress()) return in_words(heard_);
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd event{socket_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&event, 1, static_cast<int>(left.count())) == 0)
      return "silent";
    char buffer[65536];
    const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return "closed";
    reader_.feed({buffer, static_cast<std::size_t>(got)});
  }
}

}  // namespace kongfleet::hostile
