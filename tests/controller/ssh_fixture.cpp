// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/controller/ssh_fixture.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace kongfleet::controller {
namespace {

constexpr auto start_limit = std::chrono::seconds(20);

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

SshFd listen_on_any(std::uint16_t& port) {
  SshFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), raw, length) != 0 || ::listen(fd.get(), 128) != 0 ||
      ::getsockname(fd.get(), raw, &length) != 0) {
    throw_errno("listening on a loopback port");
  }
  port = ntohs(address.sin_port);
  return fd;
}

SshFd connect_to(std::uint16_t port) {
  SshFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(fd.get(), raw, sizeof address) == 0 ? std::move(fd) : SshFd();
}

std::vector<char*> argument_pointers(std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  return pointers;
}

pid_t spawn(std::vector<std::string> arguments, const fs::path& log) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  const int flags = O_WRONLY | O_CREAT | O_APPEND;
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), flags, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP);  // so that it can be ended as a group
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, arguments[0].c_str(), &actions, &attributes,
                                    argument_pointers(arguments).data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) throw Error("cannot run " + arguments[0]);
  return pid;
}

}  // namespace

SshTempDir::SshTempDir() {
  std::string name = (fs::temp_directory_path() / "kongfleet-ssh-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw_errno("making a temporary directory");
  path_ = name;
}

SshTempDir::~SshTempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string run_program(const std::vector<std::string>& arguments) {
  const SshTempDir dir;
  const fs::path log = dir.path() / "output";
  const pid_t pid = spawn(arguments, log);
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) {
    throw Error(arguments[0] + " failed: " + read_file(log));
  }
  return read_file(log);
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  if (!(out << text).flush()) throw_errno("writing", path);
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void make_key(const fs::path& path, const std::string& type, const std::string& passphrase) {
  run_program(
      {"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", "test", "-f", path.string()});
}

TestProcess::TestProcess(const std::vector<std::string>& arguments, const fs::path& log) {
  // It ends with us even when we crash.
  std::vector<std::string> all = {"setpriv", "--pdeathsig", "TERM"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  pid_ = spawn(all, log);
}

TestProcess::~TestProcess() {
  (void)::kill(-pid_, SIGTERM);
  (void)::waitpid(pid_, nullptr, 0);
}

bool TestProcess::alive() { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

Sshd::Sshd(const fs::path& dir, std::vector<std::string> host_key_types, std::string more)
    : dir_(dir) {
  fs::create_directories(dir_);
  (void)::mkdir("/run/sshd", 0755);  // sshd wants it, and has it wherever it runs as a service
  write_file(dir_ / "authorized_keys", "");
  // A home of its own: what root's shell does on this machine when it starts is not part of the
  // test.
  config_ = "SetEnv HOME=" + dir_.string() +
            "\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nUseDNS "
            "no\nStrictModes no\n"
            "PermitRootLogin prohibit-password\nMaxStartups 500\nLogLevel VERBOSE\n"
            "AuthorizedKeysFile " +
            (dir_ / "authorized_keys").string() + "\n" + more + '\n';
  for (const std::string& type : host_key_types) {
    const fs::path key = dir_ / ("host_" + type);
    make_key(key, type);
    config_ += "HostKey " + key.string() + '\n';
  }
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (start()) return;  // else somebody else took the port between our looking and sshd's binding
  }
  throw Error("sshd does not start: " + log());
}

bool Sshd::start() {
  (void)listen_on_any(port_);
  const fs::path file = dir_ / "sshd_config";
  write_file(file, "Port " + std::to_string(port_) + '\n' + config_);
  process_ = std::make_unique<TestProcess>(
      std::vector<std::string>{"/usr/sbin/sshd", "-D", "-e", "-f", file.string()}, dir_ / "log");
  const auto end = std::chrono::steady_clock::now() + start_limit;
  while (process_->alive() && std::chrono::steady_clock::now() < end) {
    if (connect_to(port_)) return true;
    (void)::poll(nullptr, 0, 5);
  }
  return false;
}

void Sshd::authorize(const fs::path& public_key) {
  write_file(dir_ / "authorized_keys", read_file(dir_ / "authorized_keys") + read_file(public_key));
}

std::string Sshd::host_key(const std::string& type) const {
  const std::string line = read_file(dir_ / ("host_" + type + ".pub"));
  return line.substr(0, line.find(' ', line.find(' ') + 1));
}

std::string Sshd::known_hosts_name() const { return "[127.0.0.1]:" + std::to_string(port_); }

std::string Sshd::known_hosts_line(const std::string& type) const {
  return known_hosts_name() + ' ' + host_key(type) + '\n';
}

RawServer::RawServer(Behaviour behaviour) : listener_(listen_on_any(port_)) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("making a pipe");
  stop_read_ = SshFd(ends[0]);
  stop_write_ = SshFd(ends[1]);
  thread_ = std::thread([this, behaviour = std::move(behaviour)] {
    std::vector<SshFd> connections;  // held open to the end: closing is a behaviour of its own
    for (;;) {
      std::array<pollfd, 2> ready{{{listener_.get(), POLLIN, 0}, {stop_read_.get(), POLLIN, 0}}};
      if (::poll(ready.data(), ready.size(), -1) > 0 && ready[1].revents != 0) return;
      if (ready[0].revents == 0) continue;
      connections.emplace_back(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      behaviour(connections.back().get());
    }
  });
}

RawServer::~RawServer() {
  stop_write_ = SshFd();
  thread_.join();
}

RawServer::Behaviour reset_after(std::uint16_t port, std::size_t bytes_back) {
  return [port, bytes_back](int client) {
    SshFd server = connect_to(port);
    std::size_t back = 0;
    std::array<char, 4096> buffer{};
    while (back < bytes_back) {
      std::array<pollfd, 2> ready{{{client, POLLIN, 0}, {server.get(), POLLIN, 0}}};
      if (::poll(ready.data(), ready.size(), -1) < 0) break;
      const bool from_client = ready[0].revents != 0;
      const int from = from_client ? client : server.get();
      const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      const int to = from_client ? server.get() : client;
      if (::send(to, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) break;
      if (!from_client) back += static_cast<std::size_t>(got);
    }
    const linger at_once{1, 0};
    (void)::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    // The server's list still owns the number; an unconnected socket takes the connection's place.
    const SshFd none(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    (void)::dup3(none.get(), client, O_CLOEXEC);
  };
}

LinkFixture::LinkFixture() : sshd(dir.path() / "sshd"), key(dir.path() / "id") {
  make_key(key, "ed25519");
  sshd.authorize(key.string() + ".pub");
  write_file(dir.path() / "known_hosts", sshd.known_hosts_line());
}

SshSettings LinkFixture::settings() const {
  SshSettings settings;
  settings.user = "root";
  settings.known_hosts = {dir.path() / "known_hosts"};
  settings.identity_files = {key.string()};
  settings.home = dir.path().string();
  settings.local_user = "root";
  return settings;
}

SshSettings LinkFixture::with_key(const fs::path& other) {
  sshd.authorize(other.string() + ".pub");
  SshSettings result = settings();
  result.identity_files = {other.string()};
  return result;
}

void LinkFixture::await(asio::awaitable<void> work) {
  std::exception_ptr error;
  io.restart();
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr e) {
    error = e;
    io.stop();
  });
  io.run();
  if (error) std::rethrow_exception(error);
}

std::string LinkFixture::output_of(SshLinks& links, const HostAddress& address,
                                   const std::string& command) {
  const std::unique_ptr<HostLink> link = await(links.open(address, command));
  return await(read_all(*link));
}

void LinkFixture::warm_up() {
  SshLinks links(io.get_executor(), settings());
  (void)output_of(links, host(), "true");
}

LinkFault LinkFixture::fault_of(const SshSettings& with, const HostAddress& address) {
  SshLinks links(io.get_executor(), with);
  try {
    (void)await(links.open(address, "true"));
  } catch (const LinkError& error) {
    why = error.what();
    return error.fault();
  }
  throw Error("the link was opened, but should not have been");
}

asio::awaitable<std::string> read_all(HostLink& link) {
  std::string all;
  for (;;) {
    const std::string bytes = co_await link.read(std::chrono::seconds(20));
    if (bytes.empty()) co_return all;
    all += bytes;
  }
}

std::string text_of(const std::exception_ptr& error) {
  if (!error) return "opened";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

std::size_t open_descriptors() {
  const fs::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace kongfleet::controller
