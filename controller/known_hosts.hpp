// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kongfleet::controller {

/// A host's public key: its type ("ssh-ed25519") and the bytes SSH sends it as (RFC 4253, 6.6).
struct HostKey {
  std::string type;
  std::string blob;

  /// "SHA256:…" as ssh-keygen -l prints it.
  std::string fingerprint() const;
  /// Nothing when `base64` is not base64 or does not hold a key of that type.
  static std::optional<HostKey> parse(std::string_view type, std::string_view base64);
};

/// One line of a known_hosts file.
struct KnownHostsEntry {
  enum class Marker { Key, Revoked, CertAuthority };
  Marker marker = Marker::Key;
  HostKey key;
  std::string file;
  std::size_t line = 0;
};

/// A line that could not be read; it is passed over, as ssh does, but not forgotten.
struct KnownHostsProblem {
  std::string file;
  std::size_t line = 0;
  std::string why;
};

/// What is on file for one host. Points into the KnownHosts it came from.
struct KnownHost {
  std::string name;  ///< as looked up: "edge-01" or "[edge-01]:2222"
  std::string host;  ///< without the port
  std::uint16_t port = 22;
  std::vector<const KnownHostsEntry*> entries;

  /// The key types on file, each once, in the order of the files: what to ask the host for first,
  /// since a host offers one key only, and another type than ours would look unknown.
  std::vector<std::string> key_types() const;
};

/// The known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT), parsed once and then only read:
/// plain, hashed and wildcard names, `[host]:port`, @revoked and @cert-authority.
class KnownHosts {
public:
  /// Reads all of `files`. One that does not exist is empty; one that cannot be read throws Error.
  static KnownHosts load(const std::vector<std::filesystem::path>& files);

  /// Adds the lines of `text`, which came from `file`.
  void add(std::string_view text, const std::string& file);

  /// Finds the lines for `host` at `port`. On a port other than 22 lines for `[host]:port` decide;
  /// only where there is none do lines for the plain name, as in ssh. Costs one hash lookup, a
  /// match for every wildcard line and an HMAC for every hashed line: do it once per host.
  KnownHost find(std::string_view host, std::uint16_t port) const;

  /// Why `offered` must be refused, or nothing when it is a key on file. The text names the host,
  /// both fingerprints, file and line, and the command that puts it right.
  std::optional<std::string> refusal(const KnownHost& known, const HostKey& offered) const;

  const std::vector<KnownHostsProblem>& problems() const { return problems_; }

private:
  struct Hashed {
    std::string salt;
    std::string digest;
    std::size_t entry;
  };
  struct Patterns {
    std::vector<std::string> patterns;
    std::size_t entry;
  };
  void add_line(std::string_view line, const std::string& file, std::size_t number);
  void add_names(std::string_view names, std::size_t entry);
  std::vector<const KnownHostsEntry*> named(const std::string& name) const;
  std::string unknown(const KnownHost& known, const HostKey& offered) const;

  std::vector<std::string> files_;
  std::vector<KnownHostsEntry> entries_;
  std::unordered_map<std::string, std::vector<std::size_t>> plain_;
  std::vector<Hashed> hashed_;
  std::vector<Patterns> patterns_;
  std::vector<KnownHostsProblem> problems_;
};

}  // namespace kongfleet::controller
