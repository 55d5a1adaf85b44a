// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/agent_socket.hpp"

#include "agent/unix_user.hpp"
#include "proto/error.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace kongfleet::agent {

namespace {

constexpr int backlog = 64;

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    throw Error("socket '" + path.string() + "': the path is longer than 107 bytes");
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  return address;
}

Fd stream_socket() {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) throw_errno("make a socket");
  return socket;
}

int connect_result(const Fd& socket, const std::filesystem::path& path) {
  const auto address = address_of(path);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

UnixUsers accounts() { return UnixUsers("/etc/passwd", "/etc/group"); }

}  // namespace

Fd listen_at(const std::filesystem::path& path, const std::string& group) {
  if (connect_result(stream_socket(), path) == 0) {
    throw Error("another agent answers at '" + path.string() + "'");
  }
  std::filesystem::create_directories(path.parent_path());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw_errno("remove", path);
  Fd socket = stream_socket();
  const auto address = address_of(path);
  const auto mask = ::umask(0117);  // never open to others, not even between bind and chmod
  const int bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::umask(mask);
  if (bound != 0) throw_errno("listen at", path);
  const auto gid = accounts().group(group);
  if (gid && ::chown(path.c_str(), static_cast<uid_t>(-1), *gid) != 0 && errno != EPERM) {
    throw_errno("set the group of", path);
  }
  if (::listen(socket.get(), backlog) != 0) throw_errno("listen at", path);
  return socket;
}

Fd connect_to(const std::filesystem::path& path) {
  Fd socket = stream_socket();
  if (connect_result(socket, path) == 0) return socket;
  if (errno == ENOENT || errno == ECONNREFUSED) {
    throw Error("no agent listens at '" + path.string() +
                "'; start it with 'systemctl start kongfleet-agent.socket'");
  }
  throw_errno("connect to the agent at", path);
}

uid_t peer_user(const Fd& socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    throw_errno("ask who connected");
  }
  return credentials.uid;
}

bool may_speak(uid_t user, const std::string& group) {
  if (user == 0 || user == ::geteuid()) return true;
  const auto users = accounts();
  const auto gid = users.group(group);
  const auto member = users.find(user);
  return gid && std::find(member.groups.begin(), member.groups.end(), *gid) != member.groups.end();
}

}  // namespace kongfleet::agent
