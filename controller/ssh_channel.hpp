// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_session.hpp"

#include <libssh/callbacks.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::controller {

/// One channel of a session: a remote command, or a TCP connection made by the host. Its session
/// must outlive it (ssh_disconnect would free the channel under our feet).
class SshChannel {
public:
  /// Throws std::bad_alloc.
  explicit SshChannel(SshSession& session);
  ~SshChannel();
  SshChannel(const SshChannel&) = delete;
  SshChannel& operator=(const SshChannel&) = delete;

  /// Starts `command` on the host. Throws LinkError.
  asio::awaitable<void> exec(std::string command, const SshStep& step);
  /// Has the host connect to `host` at `port`. Throws LinkError.
  asio::awaitable<void> forward(std::string host, std::uint16_t port, const SshStep& step);

  /// Sends `bytes`, at the peer's pace: no more than 64 KiB of them are ever held by libssh.
  asio::awaitable<void> write(std::string_view bytes, const SshStep& step);
  /// The next bytes, at most `read_max`; empty at the end of the stream.
  asio::awaitable<std::string> read(const SshStep& step);
  /// Waits until the exit status is known or cannot come any more.
  asio::awaitable<void> wait_exit(const SshStep& step);

  /// What can be had without waiting: bytes, an empty string at the end, or nothing yet. Throws.
  std::optional<std::string> read_now(const SshStep& step);
  /// Hands as many of `bytes` to libssh as the peer's window takes; how many. Throws.
  std::size_t write_now(std::string_view bytes, const SshStep& step);
  /// Whether libssh has passed everything on to the kernel; does what can be done without waiting.
  bool flushed();
  /// Says that nothing more will be written.
  void send_eof();

  const std::string& remote_stderr() const { return stderr_; }
  std::optional<int> exit_status() const { return exit_status_; }
  /// How the remote command ended, for messages: "exit status 127", "signal KILL", or empty.
  std::string ending() const;

  static constexpr std::size_t read_max = 64 * 1024;

private:
  static int on_data(ssh_session session, ssh_channel channel, void* data, std::uint32_t length,
                     int is_stderr, void* self);
  static void on_exit_status(ssh_session session, ssh_channel channel, int status, void* self);
  static void on_exit_signal(ssh_session session, ssh_channel channel, const char* signal, int core,
                             const char* message, const char* language, void* self);
  [[noreturn]] void fail(const SshStep& step);
  bool exit_known() const;

  SshSession& session_;
  ssh_channel channel_;
  ssh_channel_callbacks_struct callbacks_{};
  std::string stderr_;
  std::optional<int> exit_status_;
  std::string exit_signal_;
};

}  // namespace kongfleet::controller
