// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_keys.hpp"

#include "controller/host_link.hpp"
#include "controller/ssh_file.hpp"
#include "controller/ssh_hash.hpp"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace kongfleet::controller {
namespace {

constexpr std::size_t key_bytes_max = 1U << 20;
constexpr int attempts = 3;  // at a passphrase, as ssh gives

using KeyHandle = std::shared_ptr<ssh_key_struct>;

KeyHandle owned(ssh_key key) { return {key, ssh_key_free}; }

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw LinkError(LinkFault::Config, "reading the SSH key '" + path + "': " + why);
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

/// The text of a file that holds a secret; cleansed when it goes.
class SecretFile {
public:
  explicit SecretFile(const std::string& path) {
    std::optional<std::string> text;
    try {
      text = read_whole_file(path, "reading the SSH key", key_bytes_max);
    } catch (const Error& error) {
      throw LinkError(LinkFault::Config, error.what());
    }
    if (!text) refuse(path, "No such file or directory");
    text_ = std::move(*text);
  }
  ~SecretFile() { OPENSSL_cleanse(text_.data(), text_.size()); }
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  const std::string& text() const { return text_; }

private:
  std::string text_;
};

/// As ssh has it: a private key that others may read is none.
void check_mode(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) refuse(path, std::generic_category().message(errno));
  if (!S_ISREG(status.st_mode)) refuse(path, "not a regular file");
  if (status.st_uid != ::getuid() || (status.st_mode & 077) == 0) return;
  refuse(path, "others may read it; run: chmod 600 '" + path + '\'');
}

/// libssh asks for a passphrase only when the key is encrypted: that tells.
int note_question(const char*, char*, std::size_t, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

KeyHandle parse(const std::string& text, const char* passphrase, bool& encrypted) {
  ssh_key key = nullptr;
  const int parsed =
      ssh_pki_import_privkey_base64(text.c_str(), passphrase, note_question, &encrypted, &key);
  return parsed == SSH_OK ? owned(key) : nullptr;
}

KeyHandle public_half(const std::string& path) {
  // A private key in OpenSSH's own format tells its public half without the passphrase.
  for (const std::string& file : {path + ".pub", path}) {
    ssh_key key = nullptr;
    if (exists(file) && ssh_pki_import_pubkey_file(file.c_str(), &key) == SSH_OK) return owned(key);
  }
  return nullptr;
}

std::string described(const std::string& path, ssh_key key) {
  const char* type = ssh_key_type_to_char(ssh_key_type(key));
  return '\'' + path + "' (" + (type == nullptr ? "unknown type" : type) + ')';
}

/// The private key together with its certificate, where there is one beside it.
void add_certified(SshIdentity& identity, const KeyHandle& plain) {
  const std::string file = identity.path + "-cert.pub";
  if (!exists(file)) return;
  ssh_key raw = nullptr;
  if (ssh_pki_import_cert_file(file.c_str(), &raw) != SSH_OK) refuse(file, "not a certificate");
  const KeyHandle certificate = owned(raw);
  const KeyHandle both = owned(ssh_key_dup(plain.get()));
  if (!both) throw std::bad_alloc();
  if (ssh_pki_copy_cert_to_privkey(certificate.get(), both.get()) != SSH_OK) {
    refuse(file, "the certificate cannot be put to its key");
  }
  const auto text = read_whole_file(file, "reading the SSH certificate", key_bytes_max);
  identity.keys.push_back(
      {both, described(file, certificate.get()), certificate_validity(text.value_or(""))});
}

void take(SshIdentity& identity, const KeyHandle& key) {
  add_certified(identity, key);
  identity.keys.push_back({key, described(identity.path, key.get()), {}});
  identity.locked = false;
}

}  // namespace

std::string public_blob(ssh_key key) {
  char* base64 = nullptr;
  if (ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK) return {};
  std::string blob = base64_decoded(base64).value_or("");
  ssh_string_free_char(base64);
  return blob;
}

SshKeys::SshKeys(const asio::any_io_executor& executor, AskPassphrase ask)
    : ask_(std::move(ask)), asking_(executor, 1) {}

SshIdentity& SshKeys::load(const std::string& path) {
  if (const auto known = identities_.find(path); known != identities_.end()) return known->second;
  SshIdentity identity;
  identity.path = path;
  const KeyHandle half = public_half(path);
  if (half) identity.public_blob = public_blob(half.get());
  if (exists(path) || !half) {
    const SecretFile file(path);
    bool encrypted = false;
    const KeyHandle key = parse(file.text(), nullptr, encrypted);
    const bool is_public = half && file.text().find("PRIVATE KEY") == std::string::npos;
    if (!is_public) check_mode(path);
    if (!key && !encrypted && !is_public) refuse(path, "not a private key, or of a kind unknown");
    if (key) take(identity, key);
    identity.locked = encrypted;
  }
  return identities_.emplace(path, std::move(identity)).first->second;
}

asio::awaitable<void> SshKeys::unlock(SshIdentity& identity, SshHelpers& helpers) {
  const SshAdmission::Place turn = co_await asking_.enter();
  if (!identity.lock_trouble.empty()) refuse(identity.path, identity.lock_trouble);
  if (!identity.locked) co_return;  // somebody else has, while we waited
  const auto work = [this, &identity, stop = helpers.stopping()]() -> KeyHandle {
    const SecretFile file(identity.path);
    std::string prompt = "Passphrase for SSH key '" + identity.path + "': ";
    for (int attempt = 0; attempt < attempts; ++attempt) {
      std::optional<std::string> passphrase = ask_ ? ask_(prompt, stop) : std::nullopt;
      if (!passphrase) {
        identity.lock_trouble = attempt == 0 ? "it has a passphrase, and there is nobody to ask: "
                                               "load it into an ssh-agent, or set SSH_ASKPASS"
                                             : "wrong passphrase";
        return nullptr;
      }
      bool ignored = false;
      KeyHandle key = parse(file.text(), passphrase->c_str(), ignored);
      OPENSSL_cleanse(passphrase->data(), passphrase->size());
      if (key) return key;
      prompt = "Wrong. Passphrase for SSH key '" + identity.path + "': ";
    }
    identity.lock_trouble = "wrong passphrase";
    return nullptr;
  };
  const KeyHandle key = co_await run_on<KeyHandle>(helpers.asking(), work);
  if (!key) refuse(identity.path, identity.lock_trouble);
  take(identity, key);
}

}  // namespace kongfleet::controller
