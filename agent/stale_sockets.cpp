// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/stale_sockets.hpp"

#include "agent/followed_path.hpp"
#include "proto/error.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <fstream>

namespace kongfleet::agent {

namespace fs = std::filesystem;

namespace {

/// `socket` is a descriptor, so that it is the very one that was looked at.
bool nobody_listens(const Fd& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto itself = "/proc/self/fd/" + std::to_string(socket.get());
  itself.copy(address.sun_path, sizeof address.sun_path - 1);
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

bool is_stale(const Directory& here, const fs::path& path) {
  const auto found = here.find(path);
  struct stat info {};
  if (!found || ::fstat(found.get(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  return !is_bound(path) && nobody_listens(found);
}

}  // namespace

std::vector<std::string> remove_stale_sockets(const fs::path& prefix) {
  std::vector<std::string> removed;
  std::error_code failed;
  if (!fs::is_directory(prefix, failed)) return removed;
  const auto here = followed_directory(fs::absolute(prefix));
  for (const auto& name : here.names()) {
    const auto path = prefix / name;
    try {
      if (is_stale(here, path) && here.remove(path)) removed.push_back(path.string());
    } catch (const Error&) {  // Kong will complain about it
    }
  }
  return removed;
}

}  // namespace kongfleet::agent
