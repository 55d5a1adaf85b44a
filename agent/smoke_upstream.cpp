// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/smoke_upstream.hpp"

#include "proto/error.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

namespace kongfleet::agent {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto request_time = std::chrono::seconds(2);
constexpr std::size_t request_max = std::size_t{64} << 10;  // its head; its body is nobody's
constexpr int waiting_max = 16;
constexpr std::string_view upstream_answer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    "Connection: close\r\n\r\n{}";

[[noreturn]] void fail(const char* doing) {
  const int saved = errno;
  throw Error(std::string("smoke test: ") + doing +
              " on 127.0.0.1: " + std::generic_category().message(saved));
}

void answer(int connection) {
  const auto deadline = Clock::now() + request_time;
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos && head.size() < request_max) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd ready{connection, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) return;
    char part[4096];
    const auto got = ::recv(connection, part, sizeof part, 0);
    if (got <= 0) return;
    head.append(part, static_cast<std::size_t>(got));
  }
  // It fits any socket's buffer; whoever does not want it any more is no concern of ours.
  if (::send(connection, upstream_answer.data(), upstream_answer.size(), MSG_NOSIGNAL) < 0) return;
  ::shutdown(connection, SHUT_WR);
}

}  // namespace

SmokeUpstream::SmokeUpstream()
    : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (listening_.get() < 0 || stop_.get() < 0) fail("open a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);  // as the calls want it
  if (::bind(listening_.get(), generic, size) != 0) fail("bind");
  if (::listen(listening_.get(), waiting_max) != 0) fail("listen");
  if (::getsockname(listening_.get(), generic, &size) != 0) fail("find the port");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

SmokeUpstream::~SmokeUpstream() {
  const std::uint64_t one = 1;
  // An eventfd that counts to one takes it always; the loop looks at it before each connection.
  static_cast<void>(::write(stop_.get(), &one, sizeof one) == sizeof one);
  thread_.join();
}

void SmokeUpstream::serve() {
  for (;;) {
    pollfd events[] = {{listening_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (::poll(events, 2, -1) < 0 && errno != EINTR) return;
    if (events[1].revents != 0) return;
    if (events[0].revents == 0) continue;
    const Fd connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection.get() >= 0) answer(connection.get());
  }
}

}  // namespace kongfleet::agent
