// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_links.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <sys/types.h>

#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace kongfleet::controller {

namespace fs = std::filesystem;

/// A directory that goes with everything in it.
class SshTempDir {
public:
  SshTempDir();
  ~SshTempDir();
  SshTempDir(const SshTempDir&) = delete;
  SshTempDir& operator=(const SshTempDir&) = delete;
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

/// Runs a program and throws unless it exits with 0. Gives what it printed.
std::string run_program(const std::vector<std::string>& arguments);
void write_file(const fs::path& path, const std::string& text);
std::string read_file(const fs::path& path);
/// Makes a key pair at `path` with ssh-keygen.
void make_key(const fs::path& path, const std::string& type, const std::string& passphrase = "");

/// A process that is ended, with its group, when it goes out of scope.
class TestProcess {
public:
  TestProcess(const std::vector<std::string>& arguments, const fs::path& log);
  ~TestProcess();
  TestProcess(const TestProcess&) = delete;
  TestProcess& operator=(const TestProcess&) = delete;
  bool alive();
  pid_t pid() const { return pid_; }

private:
  pid_t pid_ = -1;
};

/// A real sshd on a loopback port of its own, which lets root in with the keys it is told of. It
/// needs root, as sshd does.
class Sshd {
public:
  /// `dir` is its own. `host_key_types` are ed25519, ecdsa, rsa; `more` is added to its
  /// configuration.
  explicit Sshd(const fs::path& dir, std::vector<std::string> host_key_types = {"ed25519"},
                std::string more = "");

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return process_->pid(); }
  void authorize(const fs::path& public_key);
  /// "ssh-ed25519 AAAA…" of one of its host keys.
  std::string host_key(const std::string& type = "ed25519") const;
  std::string known_hosts_name() const;
  std::string known_hosts_line(const std::string& type = "ed25519") const;
  std::string log() const { return read_file(dir_ / "log"); }

private:
  bool start();
  fs::path dir_;
  std::uint16_t port_ = 0;
  std::string config_;
  std::unique_ptr<TestProcess> process_;
};

/// A server that does to its one connection at a time what it is told, then to the next.
class RawServer {
public:
  using Behaviour = std::function<void(int fd)>;
  explicit RawServer(Behaviour behaviour);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  std::uint16_t port() const { return port_; }

private:
  std::uint16_t port_ = 0;
  SshFd listener_;  // which sets the port
  SshFd stop_read_;
  SshFd stop_write_;
  std::thread thread_;
};

/// Passes a connection on to `port`, and resets both ends once so many bytes came back from there.
RawServer::Behaviour reset_after(std::uint16_t port, std::size_t bytes_back);

/// An sshd, a key it takes, known_hosts that name it, and links to it.
class LinkFixture {
public:
  LinkFixture();

  SshSettings settings() const;
  HostAddress host() const { return {"127.0.0.1", sshd.port(), {}, {}}; }
  /// Settings with another key than the usual one, which the sshd is told to take.
  SshSettings with_key(const fs::path& key);

  /// Runs `work` on the fixture's io_context until it is done; gives or throws what it did.
  template <class T>
  T await(asio::awaitable<T> work) {
    std::optional<T> result;
    std::exception_ptr error;
    io.restart();
    asio::co_spawn(io, std::move(work), [&](std::exception_ptr e, T value) {
      error = e;
      if (!e) result.emplace(std::move(value));
      io.stop();
    });
    io.run();
    if (error) std::rethrow_exception(error);
    return std::move(*result);
  }
  void await(asio::awaitable<void> work);

  /// Opens a link, runs `command`, gives all of its output.
  std::string output_of(SshLinks& links, const HostAddress& address, const std::string& command);
  /// Has the io_context, and libssh, take the descriptors they keep for good.
  void warm_up();
  /// The fault that opening a link to `address` ends with; its text goes to `why`.
  LinkFault fault_of(const SshSettings& with, const HostAddress& address);

  SshTempDir dir;
  Sshd sshd;
  fs::path key;
  std::string why;
  asio::io_context io{1};
};

/// Everything the command of `link` prints.
asio::awaitable<std::string> read_all(HostLink& link);

/// What `error` says, or "opened" when there is none.
std::string text_of(const std::exception_ptr& error);

/// Open descriptors of this process.
std::size_t open_descriptors();

}  // namespace kongfleet::controller
