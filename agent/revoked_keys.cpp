// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/revoked_keys.hpp"

#include "agent/ssh_crypto.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>

namespace kongfleet::agent {

namespace {

constexpr std::size_t revocations_bytes_max = std::size_t{4} << 20;  // hundred thousand keys
constexpr std::string_view key_blanks = " \t";

}  // namespace

void RevokedKeys::check_key(std::string_view blob, const std::string& what) {
  SshReader reader(blob, what);
  const auto type = reader.text();
  const int numbers = type == "ssh-rsa" ? 2 : type == "ssh-dss" ? 4 : 0;  // RFC 4253, section 6.6
  for (int i = 0; i < numbers; ++i) reader.positive();
  if (numbers > 0)
    reader.end();
  else
    SshKey::parse(blob, what);
}

RevokedKeys RevokedKeys::parse(std::string_view bytes, const std::string& name) {
  if (bytes.size() > revocations_bytes_max)
    throw Error(name + ": more than " + std::to_string(revocations_bytes_max) + " bytes");
  if (bytes.empty())
    throw Error(name +
                ": the list of revoked keys is empty; ssh-keygen -k -f FILE makes one that "
                "revokes nothing");
  RevokedKeys revoked;
  if (bytes.starts_with("SSHKRL"))
    revoked.read_list(bytes, name);
  else
    revoked.read_text(bytes, name);
  return revoked;
}

void RevokedKeys::read_text(std::string_view text, const std::string& name) {
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto begin = std::min(line.find_first_not_of(key_blanks), line.size());
    line.remove_prefix(begin);
    if (line.empty() || line[0] == '#') continue;
    const auto place = name + ":" + std::to_string(number) + ":" + std::to_string(begin + 1);
    const auto type = line.substr(0, line.find_first_of(key_blanks));
    line.remove_prefix(type.size());
    line.remove_prefix(std::min(line.find_first_not_of(key_blanks), line.size()));
    const auto blob = base64_decoded(line.substr(0, line.find_first_of(key_blanks)));
    if (!blob || !blob->starts_with(ssh_string(type)))
      throw Error(place +
                  ": no public key; it reads KEY-TYPE KEY [COMMENT], and for serial numbers "
                  "and the like the file is what ssh-keygen -k makes of them");
    if (is_certificate_type(type)) {  // it stands for the key it is of, as ssh-keygen has it
      keys_.insert(SshSigner::parse(*blob, place + ": the certificate").key.blob());
    } else {
      check_key(*blob, place + ": the key");
      keys_.insert(*blob);
    }
  }
  if (keys_.empty())
    throw Error(name + ": no key in it; ssh-keygen -k -f FILE makes a list that revokes nothing");
}

bool RevokedKeys::SerialBitmap::has(std::uint64_t serial) const {
  if (serial < first || (serial - first) / 8 >= bits.size()) return false;
  const auto bit = serial - first;
  const auto byte = static_cast<std::uint8_t>(bits[bits.size() - 1 - bit / 8]);
  return ((byte >> (bit % 8)) & 1) != 0;
}

bool RevokedKeys::Certificates::has(const SshCertificate& certificate) const {
  if (!authority.empty() && authority != certificate.authority.blob()) return false;
  if (key_ids.contains(certificate.key_id)) return true;
  const auto serial = certificate.serial;  // 0, for none, is in no list that was read
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const SerialRange& range) {
                       return range.first <= serial && serial <= range.last;
                     }) ||
         std::any_of(bitmaps.begin(), bitmaps.end(),
                     [&](const SerialBitmap& bitmap) { return bitmap.has(serial); });
}

bool RevokedKeys::has(const SshKey& key) const {
  return keys_.contains(key.blob()) ||
         (!sha1s_.empty() && sha1s_.contains(digest_of("SHA1", key.blob()))) ||
         (!sha256s_.empty() && sha256s_.contains(digest_of("SHA256", key.blob())));
}

std::string RevokedKeys::why_revoked(const SshSigner& signer) const {
  if (has(signer.key)) return "the key " + signer.text() + " is revoked";
  if (!signer.certificate) return "";
  const auto& certificate = *signer.certificate;
  if (has(certificate.authority))
    return "the authority's key " + certificate.authority.fingerprint() + " is revoked";
  const bool revoked = std::any_of(certificates_.begin(), certificates_.end(),
                                   [&](const auto& all) { return all.has(certificate); });
  if (!revoked) return "";
  return "the certificate '" + printable(certificate.key_id, 128) + "' (serial " +
         std::to_string(certificate.serial) + ") of " + signer.text() + " is revoked";
}

}  // namespace kongfleet::agent
