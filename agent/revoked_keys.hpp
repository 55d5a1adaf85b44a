// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/ssh_certificate.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// The keys and certificates that no longer count: what `ssh-keygen -k` writes (OpenSSH's
/// PROTOCOL.krl) or a text with one public key a line, as `ssh-keygen -Y verify -r` takes.
///
/// It fails closed. ssh-keygen takes an empty file for "nothing is revoked"; here it is an error,
/// as is a text without a key, a list that ends early, and what we do not know how to obey. A list
/// of `ssh-keygen -k` that revokes nothing is good.
class RevokedKeys {
public:
  /// Throws Error, "NAME: …" or "NAME:LINE:COLUMN: …".
  static RevokedKeys parse(std::string_view bytes, const std::string& name);

  /// What is revoked about `signer`: its key, its certificate, the authority's key; empty when
  /// nothing is.
  std::string why_revoked(const SshSigner& signer) const;

private:
  struct SerialRange {
    std::uint64_t first;
    std::uint64_t last;
  };
  struct SerialBitmap {
    std::uint64_t first;
    std::string bits;  // most significant byte first
    bool has(std::uint64_t serial) const;
  };
  /// What is said about the certificates of one authority.
  struct Certificates {
    std::string authority;  // its key's blob; empty: any
    std::vector<SerialRange> ranges;
    std::vector<SerialBitmap> bitmaps;
    std::set<std::string, std::less<>> key_ids;
    bool has(const SshCertificate& certificate) const;
  };

  /// A whole key of a known type; a revoked one may be weak.
  static void check_key(std::string_view blob, const std::string& what);
  void read_list(std::string_view bytes, const std::string& name);
  void read_section(std::uint8_t type, SshReader& section, const std::string& name);
  void read_certificates(SshReader& section, const std::string& name);
  static void read_certificate_section(std::uint8_t type, SshReader& section, Certificates& into);
  static void read_bitmap(SshReader& section, Certificates& into);
  void read_text(std::string_view text, const std::string& name);
  bool has(const SshKey& key) const;

  std::set<std::string, std::less<>> keys_;  // blobs
  std::set<std::string, std::less<>> sha1s_;
  std::set<std::string, std::less<>> sha256s_;
  std::vector<Certificates> certificates_;
};

}  // namespace kongfleet::agent
