// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// OpenSSH's key revocation lists: PROTOCOL.krl, whose numbers and names these are.
#include "agent/revoked_keys.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr std::string_view list_magic("SSHKRL\n\0", 8);
constexpr std::uint32_t list_version = 1;

enum ListSection : std::uint8_t {
  SectionCertificates = 1,
  SectionExplicitKey = 2,
  SectionFingerprintSha1 = 3,
  SectionSignature = 4,
  SectionFingerprintSha256 = 5,
  SectionExtension = 255,
  SectionCertSerialList = 0x20,
  SectionCertSerialRange = 0x21,
  SectionCertSerialBitmap = 0x22,
  SectionCertKeyId = 0x23,
  SectionCertExtension = 0x39,
};

// There is none that we know; what is critical and unknown may revoke the very key.
void read_extension(SshReader& section) {
  const auto name = section.text();
  const auto critical = section.byte();
  section.string();
  if (critical != 0)
    section.fail("has the critical extension '" + printable(name, 64) +
                 "', which is not known here");
}

void read_fingerprints(SshReader& section, std::size_t size,
                       std::set<std::string, std::less<>>& into) {
  do {
    const auto hash = section.string();
    if (hash.size() != size) section.fail("has a fingerprint of another size than its kind");
    into.emplace(hash);
  } while (!section.empty());
}

}  // namespace

void RevokedKeys::read_list(std::string_view bytes, const std::string& name) {
  SshReader reader(bytes, name);
  if (reader.raw(std::min(list_magic.size(), bytes.size())) != list_magic)
    reader.fail("ends within what says that it is a list of revoked keys");
  if (const auto version = reader.u32(); version != list_version)
    reader.fail("is of version " + std::to_string(version) + ", not 1");
  reader.u64();  // the list's own number
  reader.u64();  // when it was made
  if (reader.u64() != 0) reader.fail("has flags that are not known here");
  reader.string();  // reserved
  reader.text();    // a comment
  while (!reader.empty()) {
    const auto type = reader.byte();
    SshReader section(reader.string(), name);
    read_section(type, section, name);
    section.end();
  }
}

void RevokedKeys::read_section(std::uint8_t type, SshReader& section, const std::string& name) {
  switch (type) {
    case SectionCertificates:
      read_certificates(section, name);
      break;
    case SectionExplicitKey:
      do {
        const auto blob = section.string();
        check_key(blob, name + ": a key");
        keys_.emplace(blob);
      } while (!section.empty());
      break;
    case SectionFingerprintSha1:
      read_fingerprints(section, 20, sha1s_);
      break;
    case SectionFingerprintSha256:
      read_fingerprints(section, 32, sha256s_);
      break;
    case SectionExtension:
      read_extension(section);
      break;
    case SectionSignature:  // ssh-keygen makes none, and nobody here would say whose are good
      section.fail("is signed itself, which is not supported: make it with ssh-keygen -k");
    default:
      section.fail("has a section of type " + std::to_string(type) + ", which is not known here");
  }
}

void RevokedKeys::read_certificates(SshReader& section, const std::string& name) {
  Certificates certificates;
  certificates.authority = section.string();
  if (!certificates.authority.empty())
    check_key(certificates.authority, name + ": an authority's key");
  section.string();  // reserved
  while (!section.empty()) {
    const auto type = section.byte();
    SshReader inner(section.string(), name);
    read_certificate_section(type, inner, certificates);
    inner.end();
  }
  certificates_.push_back(std::move(certificates));
}

void RevokedKeys::read_certificate_section(std::uint8_t type, SshReader& section,
                                           Certificates& into) {
  switch (type) {
    case SectionCertSerialList:
      do {
        const auto serial = section.u64();
        if (serial == 0) section.fail("revokes the serial number 0, which is none");
        into.ranges.push_back({serial, serial});
      } while (!section.empty());
      break;
    case SectionCertSerialRange: {
      const auto first = section.u64();
      const auto last = section.u64();
      if (first == 0 || last < first) section.fail("has a range of serial numbers that is none");
      into.ranges.push_back({first, last});
      break;
    }
    case SectionCertSerialBitmap:
      read_bitmap(section, into);
      break;
    case SectionCertKeyId:
      do into.key_ids.emplace(section.text());
      while (!section.empty());
      break;
    case SectionCertExtension:
      read_extension(section);
      break;
    default:
      section.fail("has a section of type " + std::to_string(type) +
                   " about certificates, which is not known here");
  }
}

void RevokedKeys::read_bitmap(SshReader& section, Certificates& into) {
  const auto first = section.u64();
  std::string bits(section.positive());
  if (bits.empty()) section.fail("has a bitmap without a bit");
  const auto lead = std::countl_zero(static_cast<std::uint8_t>(bits.front()));
  const auto last = bits.size() * 8 - 1 - static_cast<std::size_t>(lead);
  const bool has_zero = first == 0 && (bits.back() & 1) != 0;
  if (has_zero) section.fail("revokes the serial number 0, which is none");
  if (first + last < first) section.fail("has a bitmap beyond the last serial number");
  into.bitmaps.push_back({first, std::move(bits)});
}

}  // namespace kongfleet::agent
