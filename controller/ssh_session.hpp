// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_link.hpp"
#include "controller/known_hosts.hpp"
#include "controller/ssh_wait.hpp"

#include <libssh/libssh.h>

#include <string>
#include <vector>

namespace kongfleet::controller {

/// One step of a session as its errors tell of it: what it was doing, what kind of trouble it is
/// when that fails, and until when it may take.
struct SshStep {
  SshStep(LinkFault the_fault, std::string the_doing, std::chrono::milliseconds limit)
      : fault(the_fault), doing(std::move(the_doing)), deadline(after(limit)) {}
  LinkFault fault;
  std::string doing;
  Deadline deadline;
};

/// One libssh session, never blocking, driven by one coroutine at a time on one thread.
///
/// libssh 0.10 needs five things done around it, and they are done in here and in SshChannel:
/// 1. it makes the socket blocking again when the connect completes: undone after each
/// ssh_connect();
/// 2. on a dead connection its calls say "again" for ever: looked at before each wait;
/// 3. it closes the descriptor it was given in some cases only: it has its own, and we watch a dup;
/// 4. ssh_disconnect() frees every channel: channels are to be gone before their session is;
/// 5. after an EOF only some calls still process packets: see SshChannel.
class SshSession {
public:
  /// `who` begins every message: "host 'edge-01'".
  SshSession(const asio::any_io_executor& executor, std::string who);
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  /// Exchanges keys over `fd`, a connected stream socket, and gives the key the host proved to
  /// have. Nothing of ours but the protocol's own greeting has been sent by then: check it before
  /// going on. `key_types` are asked for first, then the others. Throws LinkError.
  asio::awaitable<HostKey> handshake(SshFd fd, std::string user, std::vector<std::string> key_types,
                                     const SshStep& step);

  /// Calls `call` until it gives something else than `again`, waiting for the peer in between.
  template <class Call>
  asio::awaitable<int> drive(Call call, int again, const SshStep& step) {
    for (;;) {
      int result = call();
      if (result != again) co_return result;
      // Every send makes libssh ask for writability; a second call clears that and saves a wake-up.
      if (wants_to_write()) {
        result = call();
        if (result != again) co_return result;
      }
      co_await wait(step);
    }
  }

  /// Waits until the peer sent something, or takes something where libssh has it to send. Throws
  /// LinkError when the connection is dead or the step's deadline passes.
  asio::awaitable<void> wait(const SshStep& step);

  /// Throws when the connection is dead, with what libssh knows of the reason.
  void check_alive(const SshStep& step);

  /// Throws LinkError("WHO: DOING: what libssh says"). A connection that breaks while we log in or
  /// start a command is Lost, whatever the step's fault: the host has refused nothing.
  [[noreturn]] void fail(const SshStep& step);
  /// Throws LinkError("WHO: DOING: WHY").
  [[noreturn]] void fail(const SshStep& step, const std::string& why) const;

  bool wants_to_write() const;
  /// Bytes that wait in the kernel's buffer.
  int readable_bytes() const;

  ssh_session raw() { return session_; }
  const std::string& who() const { return who_; }
  const std::shared_ptr<SshGate>& gate() const { return gate_; }

  /// Ends the session at once, telling the peer where the connection still works. No channel may be
  /// left.
  void close() noexcept;

private:
  bool is_dead() const;
  void set_options(int fd, const std::string& user, const std::vector<std::string>& key_types);
  void set(ssh_options_e option, const void* value, const char* name);

  std::string who_;
  ssh_session session_;
  std::shared_ptr<SshGate> gate_;
  SshWatch watch_;
  bool fd_given_ = false;
};

}  // namespace kongfleet::controller
