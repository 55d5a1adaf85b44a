// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/service_manager.hpp"

#include "agent/fd.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr int first_passed_fd = 3;  // SD_LISTEN_FDS_START

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

long number(const std::string& text) {
  long value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

ServiceManager::ServiceManager() : notify_socket_(take_variable("NOTIFY_SOCKET")) {
  watchdog_ = std::chrono::milliseconds(number(take_variable("WATCHDOG_USEC")) / 1000 / 2);
  take_variable("WATCHDOG_PID");
  const auto pid = number(take_variable("LISTEN_PID"));
  const auto count = number(take_variable("LISTEN_FDS"));
  take_variable("LISTEN_FDNAMES");
  if (pid != ::getpid() || count < 1) return;
  ::fcntl(first_passed_fd, F_SETFD, FD_CLOEXEC);
  listening_ = first_passed_fd;
}

std::optional<int> ServiceManager::listening_socket() {
  return std::exchange(listening_, std::nullopt);
}

void ServiceManager::notify(const std::string& state) const {
  sockaddr_un address{};
  if (notify_socket_.empty() || notify_socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, notify_socket_.data(), notify_socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract socket
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket_.size());
  // Nothing depends on it having arrived: systemd acts by itself when it hears nothing.
  [[maybe_unused]] const auto sent =
      ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace kongfleet::agent
