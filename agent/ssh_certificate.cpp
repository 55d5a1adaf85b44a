// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_certificate.hpp"

#include "proto/error.hpp"
#include "proto/names.hpp"

#include <utility>

namespace kongfleet::agent {

namespace {

constexpr std::string_view certificate_mark = "-cert-v01@openssh.com";
constexpr std::size_t principals_max = 256;  // OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS

// "sk-ssh-ed25519-cert-v01@openssh.com" certifies a "sk-ssh-ed25519@openssh.com".
std::string certified_type(std::string_view name) {
  std::string plain(name.substr(0, name.size() - certificate_mark.size()));
  if (plain.starts_with("sk-")) plain += "@openssh.com";
  return plain;
}

std::vector<std::string> read_principals(std::string_view packed, const std::string& what) {
  SshReader reader(packed, what);
  std::vector<std::string> names;
  while (!reader.empty()) {
    if (names.size() == principals_max) reader.fail("has too many principals");
    names.emplace_back(reader.text());
  }
  return names;
}

std::vector<std::string> option_names(std::string_view packed, const std::string& what) {
  SshReader reader(packed, what);
  std::vector<std::string> names;
  while (!reader.empty()) {
    names.emplace_back(reader.string());
    reader.string();
  }
  return names;
}

SshSigner read_certificate(std::string_view name, std::string_view blob, SshReader& reader,
                           const std::string& what) {
  reader.string();  // a nonce
  auto key = SshKey::read(certified_type(name), reader);
  const auto serial = reader.u64();
  const auto type = reader.u32();
  std::string key_id(reader.text());
  auto principals = read_principals(reader.string(), what);
  const auto valid_after = reader.u64();
  const auto valid_before = reader.u64();
  auto critical = option_names(reader.string(), what);
  option_names(reader.string(), what);  // extensions may be ignored, but not malformed
  reader.string();                      // reserved
  auto authority = SshKey::parse(reader.string(), what + ": its authority's key");
  std::string to_be_signed(blob.substr(0, blob.size() - reader.size()));
  std::string signature(reader.string());
  reader.end();
  return {std::move(key), SshCertificate{.serial = serial,
                                         .type = type,
                                         .key_id = std::move(key_id),
                                         .principals = std::move(principals),
                                         .valid_after = valid_after,
                                         .valid_before = valid_before,
                                         .critical_options = std::move(critical),
                                         .authority = std::move(authority),
                                         .to_be_signed = std::move(to_be_signed),
                                         .signature = std::move(signature)}};
}

}  // namespace

bool is_certificate_type(std::string_view name) { return name.ends_with(certificate_mark); }

SshSigner SshSigner::parse(std::string_view blob, const std::string& what) {
  SshReader reader(blob, what);
  const auto name = reader.text();
  if (is_certificate_type(name)) return read_certificate(name, blob, reader, what);
  return {SshKey::parse(blob, what), std::nullopt};
}

void SshCertificate::check_issued() const {
  if (!authority.verifies(signature, to_be_signed))
    throw Error("the certificate '" + printable(key_id, 128) + "' is not what its authority " +
                authority.fingerprint() + " signed");
}

}  // namespace kongfleet::agent
