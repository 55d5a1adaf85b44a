// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/relay.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace kongfleet::agent {

namespace {

/// One direction: what was read and not yet written.
class Pipe {
public:
  Pipe(int from, int to) : from_(from), to_(to) {}
  bool open() const { return open_; }
  bool empty() const { return begin_ == end_; }
  bool wants_read() const { return open_ && empty(); }
  int from() const { return from_; }
  int to() const { return to_; }
  /// False when the far end is gone.
  bool read() {
    const auto got = ::read(from_, buffer_.data(), buffer_.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    begin_ = 0;
    end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
    open_ = got > 0;
    return open_;
  }
  bool write() {
    const auto wrote = ::write(to_, buffer_.data() + begin_, end_ - begin_);
    if (wrote < 0) return errno == EINTR || errno == EAGAIN;
    begin_ += static_cast<std::size_t>(wrote);
    return true;
  }

private:
  int from_;
  int to_;
  bool open_ = true;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::array<char, 65536> buffer_;
};

}  // namespace

int relay(int input, int output, const Fd& daemon) {
  Pipe up(input, daemon.get());
  Pipe down(daemon.get(), output);
  bool said_end = false;
  while (down.open() || !down.empty()) {
    const auto when = [](bool wanted, short events) {
      return static_cast<short>(wanted ? events : 0);
    };
    pollfd fds[] = {
        {up.wants_read() ? up.from() : -1, POLLIN, 0},
        {daemon.get(),
         static_cast<short>(when(down.wants_read(), POLLIN) | when(!up.empty(), POLLOUT)), 0},
        {down.empty() ? -1 : down.to(), POLLOUT, 0}};
    if (::poll(fds, 3, -1) < 0 && errno != EINTR) return 1;
    if (fds[0].revents != 0) up.read();
    if (!up.empty() && (fds[1].revents & (POLLOUT | POLLERR)) != 0 && !up.write()) return 1;
    if (down.wants_read() && (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) down.read();
    if (!down.empty() && fds[2].revents != 0 && !down.write()) return 1;
    if (!up.open() && up.empty() && !said_end) {
      ::shutdown(daemon.get(), SHUT_WR);
      said_end = true;
    }
  }
  return 0;
}

}  // namespace kongfleet::agent
