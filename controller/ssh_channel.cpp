// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_channel.hpp"

#include "proto/names.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace kongfleet::controller {
namespace {

constexpr std::size_t slice_max = 64 * 1024;  // what we let libssh hold of what we write
constexpr std::size_t stderr_max = 8 * 1024;  // enough for the message that matters
constexpr std::size_t stderr_told = 512;      // of it in one of our messages
constexpr int reads_per_turn = 64;            // of 4 KiB each, then the other hosts get their turn
// libssh keeps what the peer sends while we write. Its window is 1.25 MiB; more breaks the
// protocol.
constexpr int unread_max = 4 * 1024 * 1024;

}  // namespace

SshChannel::SshChannel(SshSession& session)
    : session_(session), channel_(ssh_channel_new(session.raw())) {
  if (channel_ == nullptr) throw std::bad_alloc();
  callbacks_.userdata = this;
  callbacks_.channel_data_function = on_data;
  callbacks_.channel_exit_status_function = on_exit_status;
  callbacks_.channel_exit_signal_function = on_exit_signal;
  ssh_callbacks_init(&callbacks_);
  (void)ssh_set_channel_callbacks(channel_, &callbacks_);
}

SshChannel::~SshChannel() {
  (void)ssh_remove_channel_callbacks(channel_, &callbacks_);
  ssh_channel_free(channel_);
}

// The callbacks run inside libssh's calls: they must not throw, and take no more memory than is set
// aside.
int SshChannel::on_data(ssh_session, ssh_channel, void* data, std::uint32_t length, int is_stderr,
                        void* self) {
  if (is_stderr == 0)
    return 0;  // stays with libssh until it is read: so the window holds the peer back
  auto* channel = static_cast<SshChannel*>(self);
  const std::size_t room = stderr_max - channel->stderr_.size();
  channel->stderr_.append(static_cast<const char*>(data), std::min<std::size_t>(length, room));
  return static_cast<int>(length);  // stderr is always taken, or it would use up the window
}

void SshChannel::on_exit_status(ssh_session, ssh_channel, int status, void* self) {
  static_cast<SshChannel*>(self)->exit_status_ = status;
}

void SshChannel::on_exit_signal(ssh_session, ssh_channel, const char* signal, int, const char*,
                                const char*, void* self) {
  static_cast<SshChannel*>(self)->exit_signal_.assign(signal, strnlen(signal, 16));
}

asio::awaitable<void> SshChannel::exec(std::string command, const SshStep& step) {
  const auto open = [this] { return ssh_channel_open_session(channel_); };
  const int opened = co_await session_.drive(open, SSH_AGAIN, step);
  if (opened != SSH_OK) session_.fail(step);
  const auto request = [this, &command] {
    return ssh_channel_request_exec(channel_, command.c_str());
  };
  const int started = co_await session_.drive(request, SSH_AGAIN, step);
  if (started != SSH_OK) session_.fail(step);
}

asio::awaitable<void> SshChannel::forward(std::string host, std::uint16_t port,
                                          const SshStep& step) {
  const auto open = [this, &host, port] {
    // The last two name the connection's origin, which only ever ends up in the host's log.
    return ssh_channel_open_forward(channel_, host.c_str(), port, "127.0.0.1", 0);
  };
  const int opened = co_await session_.drive(open, SSH_AGAIN, step);
  if (opened != SSH_OK) session_.fail(step);
}

std::size_t SshChannel::write_now(std::string_view bytes, const SshStep& step) {
  const auto length = static_cast<std::uint32_t>(std::min(bytes.size(), slice_max));
  const int written = ssh_channel_write(channel_, bytes.data(), length);  // 0: the window is closed
  if (written < 0) fail(step);
  return static_cast<std::size_t>(written);
}

bool SshChannel::flushed() { return ssh_blocking_flush(session_.raw(), 0) != SSH_AGAIN; }

void SshChannel::send_eof() { (void)ssh_channel_send_eof(channel_); }

asio::awaitable<void> SshChannel::write(std::string_view bytes, const SshStep& step) {
  while (!bytes.empty()) {
    session_.check_alive(step);
    const std::size_t written = write_now(bytes, step);
    bytes.remove_prefix(written);
    while (!flushed()) co_await session_.wait(step);
    if (written > 0) continue;
    if (ssh_channel_poll(channel_, 0) > unread_max) {
      session_.fail(step, "the host sends more than it was allowed to");
    }
    co_await session_.wait(step);
  }
}

std::optional<std::string> SshChannel::read_now(const SshStep& step) {
  thread_local std::array<char, read_max> bytes;
  std::size_t length = 0;
  for (int turn = 0; turn < reads_per_turn && length < read_max; ++turn) {
    const auto room = static_cast<std::uint32_t>(read_max - length);
    const int got = ssh_channel_read_nonblocking(channel_, bytes.data() + length, room, 0);
    if (got > 0) {
      length += static_cast<std::size_t>(got);
    } else if (got == SSH_EOF || ssh_channel_is_eof(channel_) != 0) {
      if (length == 0) return std::string();
      break;
    } else if (got < 0) {
      if (length == 0) fail(step);
      break;
    } else if (session_.readable_bytes() == 0) {
      break;  // libssh takes 4 KiB at a time: asking the kernel is cheaper than a wait for the rest
    }
  }
  if (length == 0) return std::nullopt;
  return std::string(bytes.data(), length);
}

asio::awaitable<std::string> SshChannel::read(const SshStep& step) {
  for (;;) {
    std::optional<std::string> bytes = read_now(step);
    if (bytes) co_return std::move(*bytes);
    co_await session_.wait(step);
  }
}

bool SshChannel::exit_known() const {
  return exit_status_.has_value() || !exit_signal_.empty() || ssh_channel_is_closed(channel_) != 0;
}

asio::awaitable<void> SshChannel::wait_exit(const SshStep& step) {
  // After an EOF reading no longer processes packets; asking for the exit status does.
  (void)ssh_channel_get_exit_status(channel_);
  while (!exit_known()) {
    co_await session_.wait(step);
    (void)ssh_channel_get_exit_status(channel_);
  }
}

std::string SshChannel::ending() const {
  if (exit_status_) return "exit status " + std::to_string(*exit_status_);
  return exit_signal_.empty() ? "" : "signal " + printable(exit_signal_);
}

void SshChannel::fail(const SshStep& step) {
  const std::string how = ending();
  if (how.empty()) session_.fail(step);
  std::string why = "the remote command has ended with " + how;
  if (!stderr_.empty()) why += ": " + printable(stderr_, stderr_told);
  session_.fail(step, why);
}

}  // namespace kongfleet::controller
