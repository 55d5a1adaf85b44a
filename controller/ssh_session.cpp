// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_session.hpp"

#include "proto/names.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <new>

namespace kongfleet::controller {
namespace {

// What we speak, best first: all of it also in the oldest sshd we care for (OpenSSH 6.5 and later).
constexpr const char* ciphers =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
    "aes128-ctr,aes192-ctr,aes256-ctr";
constexpr const char* host_key_algorithms =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
    "rsa-sha2-512,rsa-sha2-256";
// How libssh 0.10 (src/packet_cb.c) begins its error when the peer has said why it leaves.
constexpr const char* goodbye = "Received SSH_MSG_DISCONNECT";
constexpr std::size_t message_max = 512;  // of a peer's text in one of our messages

std::string algorithms_for(const std::vector<std::string>& key_types) {
  std::string list;
  for (const std::string& type : key_types) {
    // An RSA key signs in several ways; those with SHA-1 are not among them.
    list += (type == "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type) + ',';
  }
  return list +
         host_key_algorithms;  // libssh drops what it does not know, and repetitions are harmless
}

void set_non_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) (void)::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/// Has the kernel acknowledge at once what comes next, else logging in waits 40 ms for it at a
/// time.
void acknowledge_quickly(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on,
                     sizeof on);  // fails on a bridge: no TCP there
}

/// Whether `fd` still is the socket that `ours` is: libssh may have closed it, and another thread
/// may have the number by now.
bool same_socket(int fd, int ours) {
  struct stat one {};
  struct stat other {};
  return fd >= 0 && ours >= 0 && ::fstat(fd, &one) == 0 && ::fstat(ours, &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

HostKey server_key(ssh_session session) {
  ssh_key key = nullptr;
  char* base64 = nullptr;
  std::optional<HostKey> result;
  if (ssh_get_server_publickey(session, &key) == SSH_OK &&
      ssh_pki_export_pubkey_base64(key, &base64) == SSH_OK) {
    const ssh_keytypes_e type = ssh_key_type(key);
    const bool is_ecdsa = type >= SSH_KEYTYPE_ECDSA_P256 && type <= SSH_KEYTYPE_ECDSA_P521;
    const char* name = is_ecdsa ? ssh_pki_key_ecdsa_name(key) : ssh_key_type_to_char(type);
    result = HostKey::parse(name == nullptr ? "" : name, base64);
  }
  ssh_string_free_char(base64);
  ssh_key_free(key);
  return result.value_or(HostKey{});
}

}  // namespace

SshSession::SshSession(const asio::any_io_executor& executor, std::string who)
    : who_(std::move(who)),
      session_(ssh_new()),
      gate_(std::make_shared<SshGate>(executor)),
      watch_(gate_) {
  if (session_ == nullptr) throw std::bad_alloc();
}

SshSession::~SshSession() {
  close();
  ssh_free(session_);
}

void SshSession::set(ssh_options_e option, const void* value, const char* name) {
  if (ssh_options_set(session_, option, value) == SSH_OK) return;
  throw LinkError(LinkFault::Config,
                  who_ + ": setting the SSH option " + name + ": " + ssh_get_error(session_));
}

void SshSession::set_options(int fd, const std::string& user,
                             const std::vector<std::string>& key_types) {
  const int no = 0;
  // No file is libssh's to read: it would do so for every session, and twice.
  set(SSH_OPTIONS_PROCESS_CONFIG, &no, "PROCESS_CONFIG");
  set(SSH_OPTIONS_KNOWNHOSTS, "/dev/null", "KNOWNHOSTS");
  set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null", "GLOBAL_KNOWNHOSTS");
  set(SSH_OPTIONS_HOST, "peer",
      "HOST");  // wanted, but used for nothing where there is a descriptor
  set(SSH_OPTIONS_USER, user.c_str(), "USER");
  set(SSH_OPTIONS_HOSTKEYS, algorithms_for(key_types).c_str(), "HOSTKEYS");
  set(SSH_OPTIONS_CIPHERS_C_S, ciphers, "CIPHERS_C_S");
  set(SSH_OPTIONS_CIPHERS_S_C, ciphers, "CIPHERS_S_C");
  set(SSH_OPTIONS_FD, &fd, "FD");
}

asio::awaitable<HostKey> SshSession::handshake(SshFd fd, std::string user,
                                               std::vector<std::string> key_types,
                                               const SshStep& step) {
  SshFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) fail(step, std::generic_category().message(errno));
  watch_.assign(std::move(copy));
  set_options(fd.get(), user, key_types);
  (void)fd.release();
  fd_given_ = true;
  ssh_set_blocking(session_, 0);
  const auto connect = [this] {
    const int result = ssh_connect(session_);
    set_non_blocking(watch_.fd());
    return result;
  };
  const int connected = co_await drive(connect, SSH_AGAIN, step);
  if (connected != SSH_OK) fail(step);
  HostKey key = server_key(session_);
  if (key.blob.empty()) fail(step, "the host's key is of a kind that is not supported");
  co_return key;
}

asio::awaitable<void> SshSession::wait(const SshStep& step) {
  check_alive(step);
  acknowledge_quickly(watch_.fd());
  watch_.on_readable();  // also when we want to write: the peer may need to be read first
  if (wants_to_write()) watch_.on_writable();
  const bool ready = co_await gate_->wait(step.deadline);
  if (!ready) throw LinkError(LinkFault::Timeout, who_ + ": " + step.doing + ": timed out");
}

void SshSession::check_alive(const SshStep& step) {
  if (is_dead()) fail(step);
}

bool SshSession::is_dead() const {
  const int status = ssh_get_status(session_);
  return ssh_get_fd(session_) < 0 || (status & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0;
}

void SshSession::fail(const SshStep& step) {
  const std::string reason = printable(ssh_get_error(session_), message_max);
  SshStep failed = step;
  const bool is_login = step.fault == LinkFault::Auth;
  // A host that says goodbye to too many keys has refused them.
  const bool has_answered = is_login && reason.rfind(goodbye, 0) == 0;
  if ((is_login || step.fault == LinkFault::Exec) && is_dead() && !has_answered) {
    failed.fault = LinkFault::Lost;
  }
  fail(failed, reason.empty() ? "the peer does not keep to the protocol" : reason);
}

void SshSession::fail(const SshStep& step, const std::string& why) const {
  throw LinkError(step.fault, who_ + ": " + step.doing + ": " + why);
}

bool SshSession::wants_to_write() const {
  return (ssh_get_poll_flags(session_) & SSH_WRITE_PENDING) != 0;
}

int SshSession::readable_bytes() const {
  int bytes = 0;
  return ::ioctl(watch_.fd(), FIONREAD, &bytes) == 0 ? bytes : 0;
}

void SshSession::close() noexcept {
  if (std::exchange(fd_given_, false)) {
    const int fd = ssh_get_fd(session_);
    ssh_disconnect(session_);  // says goodbye, and leaves the descriptor open unless sending failed
    if (same_socket(fd, watch_.fd())) ::close(fd);
  }
  watch_.close();
}

}  // namespace kongfleet::controller
