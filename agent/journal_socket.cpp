// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/journal_socket.hpp"

#include "agent/fd.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <cstring>

namespace kongfleet::agent {

std::string journal_entry(const JournalFields& fields) {
  std::string entry;
  for (const auto& [name, value] : fields) {
    if (value.find('\n') == std::string::npos) {
      entry += name + "=" + value + "\n";
      continue;
    }
    // A value of several lines has its length before it, little endian.
    entry += name + "\n";
    for (unsigned byte = 0; byte < sizeof(std::uint64_t); ++byte)
      entry += static_cast<char>(std::uint64_t{value.size()} >> (8 * byte) & 0xffU);
    entry += value + "\n";
  }
  return entry;
}

bool send_to_journal(const std::string& entry, const std::string& socket) {
  sockaddr_un address{};
  if (socket.size() >= sizeof address.sun_path) return false;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket.data(), socket.size());
  const Fd end(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto sent =
      ::sendto(end.get(), entry.data(), entry.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(sizeof address));
  return sent == static_cast<ssize_t>(entry.size());
}

}  // namespace kongfleet::agent
