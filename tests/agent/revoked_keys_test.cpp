// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/revoked_keys.hpp"

#include "proto/error.hpp"
#include "tests/agent/crafted_key_fixture.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

using Catch::Contains;

namespace {

const std::string list_header =
    std::string("SSHKRL\n\0\0\0\0\1", 12) + std::string(8 + 8 + 8 + 4 + 4, '\0');

std::string list_section(char type, const std::string& body) { return type + ssh_string(body); }

std::string about_certificates(const std::string& sections) {
  return list_header + list_section(1, ssh_string("") + ssh_string("") + sections);
}

std::string list_extension(char critical) {
  return ssh_string("new@example.com") + critical + ssh_string("what");
}

std::string why_bad_list(const std::string& bytes) {
  try {
    RevokedKeys::parse(bytes, "krl");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

SshSigner certified(std::uint64_t serial, const std::string& key_id) {
  static const CraftedKey key(CraftedKey::Kind::SecurityEd25519);
  static const CraftedKey authority(CraftedKey::Kind::SecurityEcdsa);
  return {
      SshKey::parse(key.blob(), "key"),
      SshCertificate{
          .serial = serial, .key_id = key_id, .authority = SshKey::parse(authority.blob(), "key")}};
}

bool revokes(const std::string& bytes, const SshSigner& signer) {
  return !RevokedKeys::parse(bytes, "krl").why_revoked(signer).empty();
}

}  // namespace

TEST_CASE("a revocation list that says nothing is an error, one that revokes nothing is not") {
  CHECK_THAT(why_bad_list(""), Contains("krl: the list of revoked keys is empty"));
  CHECK_THAT(why_bad_list("\n# none\n"), Contains("krl: no key in it"));
  CHECK_THAT(why_bad_list("\n nobody\n"), Contains("krl:2:2: no public key; it reads"));
  CHECK_THAT(why_bad_list("SSHKRL\n"), Contains("krl: ends within"));
  CHECK_THAT(why_bad_list(std::string((4 << 20) + 1, '\n')), Contains("more than"));
  CHECK(why_bad_list(list_header) == "");
  CHECK_FALSE(revokes(list_header, certified(1, "x")));
}

TEST_CASE("what a revocation list must have obeyed is an error where it is not known") {
  CHECK(why_bad_list(list_header + list_section('\xff', list_extension(0))) == "");
  CHECK_THAT(why_bad_list(list_header + list_section('\xff', list_extension(1))),
             Contains("the critical extension 'new@example.com'"));
  CHECK(why_bad_list(about_certificates(list_section(0x39, list_extension(0)))) == "");
  CHECK_THAT(why_bad_list(about_certificates(list_section(0x39, list_extension(1)))),
             Contains("the critical extension 'new@example.com'"));
  CHECK_THAT(why_bad_list(list_header + list_section(9, "x")), Contains("a section of type 9"));
  CHECK_THAT(why_bad_list(about_certificates(list_section(0x2a, "x"))),
             Contains("a section of type 42 about certificates"));
  CHECK_THAT(why_bad_list(list_header + list_section(4, "x")), Contains("is signed itself"));
}

TEST_CASE("serial numbers are revoked one by one, by range and by bitmap, up to the last") {
  const std::string most(8, '\xff');
  const auto one = about_certificates(list_section(0x20, std::string(7, '\0') + '\5'));
  CHECK(revokes(one, certified(5, "")));
  CHECK_FALSE(revokes(one, certified(4, "")));
  const auto last = about_certificates(list_section(0x21, most + most));
  CHECK(revokes(last, certified(~std::uint64_t{0}, "")));
  CHECK_FALSE(revokes(last, certified(~std::uint64_t{0} - 1, "")));
  // Bits 0 and 9 above 2^64 - 10.
  const auto high = std::string(7, '\xff') + '\xf6';
  const auto bits = about_certificates(list_section(0x22, high + ssh_string("\x02\x01")));
  CHECK(revokes(bits, certified(~std::uint64_t{0} - 9, "")));
  CHECK(revokes(bits, certified(~std::uint64_t{0}, "")));
  CHECK_FALSE(revokes(bits, certified(~std::uint64_t{0} - 8, "")));
  CHECK_FALSE(revokes(bits, certified(1, "")));
  CHECK_THAT(why_bad_list(about_certificates(list_section(0x22, high + ssh_string("\x04\x01")))),
             Contains("beyond the last serial number"));
}

TEST_CASE("a certificate without a serial number is revoked by its key id only") {
  const auto all =
      about_certificates(list_section(0x21, std::string(7, '\0') + '\1' + std::string(8, '\xff')));
  CHECK(revokes(all, certified(1, "laptop")));
  CHECK_FALSE(revokes(all, certified(0, "laptop")));
  const auto by_id = about_certificates(list_section(0x23, ssh_string("laptop")));
  CHECK(revokes(by_id, certified(0, "laptop")));
  CHECK_FALSE(revokes(by_id, certified(0, "laptop2")));
}

}  // namespace kongfleet::agent::test
