// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_dial.hpp"

#include "controller/ssh_wait.hpp"

#include <arpa/inet.h>
#include <boost/asio/this_coro.hpp>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace kongfleet::controller {
namespace {

// A peer that has vanished is noticed after 15 + 4 * 5 s of silence, or 35 s of unacknowledged
// data.
constexpr int keepalive_idle_s = 15;
constexpr int keepalive_interval_s = 5;
constexpr int keepalive_count = 4;
constexpr unsigned int unacknowledged_ms = 35'000;

/// What getaddrinfo found, or why it found nothing.
struct LookUp {
  std::vector<SocketAddress> addresses;
  std::string error;
};

LookUp get_addresses(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  LookUp result;
  if (failed == EAI_SYSTEM) result.error = std::generic_category().message(errno);
  if (failed != 0 && result.error.empty()) result.error = gai_strerror(failed);
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    SocketAddress& address = result.addresses.emplace_back();
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.length = entry->ai_addrlen;
  }
  if (list != nullptr) freeaddrinfo(list);
  return result;
}

template <class Value>
void set_option(int fd, int level, int name, Value value) {
  // Best effort: a kernel without one of these still carries SSH.
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

void tune(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // else Nagle stalls a login three times by 41 ms
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive_count);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_ms);
}

/// Begins to connect; 0, EINPROGRESS, or why not.
int begin(const SocketAddress& address, SshFd& fd) {
  fd = SshFd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  tune(fd.get());
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  return ::connect(fd.get(), raw, address.length) == 0 ? 0 : errno;
}

/// Why connecting to `address` failed; 0 when `fd` is connected.
asio::awaitable<int> connect_one(const SocketAddress& address, SshFd& fd, Deadline deadline) {
  const int begun = begin(address, fd);
  if (begun != EINPROGRESS) co_return begun;
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  SshWatch watch(std::make_shared<SshGate>(executor));
  SshFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) co_return errno;
  watch.assign(std::move(copy));
  const auto gate = watch.gate();
  watch.on_writable();
  const bool ready = co_await gate->wait(deadline);
  if (!ready) co_return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) co_return errno;
  co_return error;
}

}  // namespace

std::string SocketAddress::text() const {
  char host[NI_MAXHOST] = "?";
  const auto* raw = reinterpret_cast<const sockaddr*>(&storage);
  (void)getnameinfo(raw, length, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  return host;
}

asio::awaitable<std::vector<SocketAddress>> look_up(DialTarget target, SshHelpers& helpers) {
  LookUp numeric = get_addresses(target.host, target.port, AI_NUMERICHOST);
  if (!numeric.addresses.empty()) co_return std::move(numeric.addresses);
  const auto work = [host = target.host, port = target.port] {
    return get_addresses(host, port, 0);
  };
  std::optional<LookUp> found =
      co_await run_within<LookUp>(helpers.resolving(), target.limit, work);
  const std::string doing = target.who + ": looking up '" + target.host + "': ";
  if (!found) {
    throw LinkError(LinkFault::Timeout,
                    doing + "no answer in " + std::to_string(target.limit.count()) + " ms");
  }
  if (found->addresses.empty()) throw LinkError(LinkFault::Resolve, doing + found->error);
  co_return std::move(found->addresses);
}

asio::awaitable<SshFd> dial(DialTarget target, std::vector<SocketAddress> addresses) {
  const Deadline deadline = after(target.limit);
  std::string reasons;
  bool all_timed_out = true;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // One dead address must not eat the time of the others: each gets an even share of what is
    // left.
    const Deadline now = std::chrono::steady_clock::now();
    const auto share = (deadline - now) / static_cast<std::int64_t>(addresses.size() - i);
    SshFd fd;
    const int failed = co_await connect_one(addresses[i], fd, now + share);
    if (failed == 0) co_return std::move(fd);
    all_timed_out = all_timed_out && failed == ETIMEDOUT;
    const std::string why = failed == ETIMEDOUT
                                ? "no answer in " + std::to_string(target.limit.count()) + " ms"
                                : std::generic_category().message(failed);
    reasons += (reasons.empty() ? "" : "; ") + addresses[i].text() + " port " +
               std::to_string(target.port) + ": " + why;
  }
  throw LinkError(all_timed_out ? LinkFault::Timeout : LinkFault::Connect,
                  target.who + ": connecting to " + reasons);
}

}  // namespace kongfleet::controller
