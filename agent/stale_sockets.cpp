// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/stale_sockets.hpp"

#include "agent/fd.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace kongfleet::agent {

namespace fs = std::filesystem;

namespace {

bool nobody_listens(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int connected =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return connected != 0 && errno == ECONNREFUSED;
}

/// Whether a process holds the socket, which may be about to listen. proc(5): the path is the last
/// word of its line, as it was bound.
bool is_bound(const fs::path& path) {
  std::ifstream table("/proc/net/unix");
  for (std::string line; std::getline(table, line);)
    if (line.ends_with(" " + path.string())) return true;
  return false;
}

}  // namespace

std::vector<std::string> remove_stale_sockets(const fs::path& prefix) {
  std::vector<std::string> removed;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(prefix, failed)) {
    std::error_code ignored;
    const bool stale = entry.symlink_status(ignored).type() == fs::file_type::socket &&
                       !is_bound(entry.path()) && nobody_listens(entry.path());
    if (stale && fs::remove(entry.path(), ignored)) removed.push_back(entry.path().string());
  }
  return removed;
}

}  // namespace kongfleet::agent
