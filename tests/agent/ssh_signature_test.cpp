// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_signature.hpp"

#include "proto/error.hpp"
#include "tests/agent/crafted_key_fixture.hpp"
#include "tests/agent/signing_fixture.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

using Catch::Contains;
using Catch::StartsWith;

namespace {

// Why it is no signature, or does not verify "x".
std::string why_unsigned(const std::string& armored) {
  try {
    return SshSignature::parse(armored).verifies("x") ? "" : "altered";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a signature's envelope is what PROTOCOL.sshsig says, to the byte") {
  const CraftedKey key(CraftedKey::Kind::SecurityEd25519);
  Envelope envelope{.key = key.blob()};
  envelope.signature = key.sign(envelope.to_sign("x"));
  REQUIRE(why_unsigned(envelope.armored()) == "");
  const auto signature = SshSignature::parse(envelope.armored());
  CHECK(signature.name_space == "kongfleet-release-v1");
  CHECK(signature.hash == "sha512");
  CHECK(signature.signer.key.blob() == key.blob());
  CHECK_FALSE(signature.signer.certificate);

  SECTION("version") {
    envelope.version = 2;
    CHECK(why_unsigned(envelope.armored()) == "not an SSH signature: is of version 2, not 1");
  }
  SECTION("reserved") {
    envelope.reserved = "x";
    CHECK_THAT(why_unsigned(envelope.armored()), Contains("has something in a reserved place"));
  }
  SECTION("trailing bytes") {
    envelope.trailing = "xyz";
    CHECK(why_unsigned(envelope.armored()) == "not an SSH signature: has 3 bytes too many");
  }
  SECTION("hash") {
    for (const auto* hash : {"sha1", "md5", "sha384", "SHA512", ""}) {
      envelope.hash = hash;
      CHECK_THAT(why_unsigned(envelope.armored()), StartsWith("weak algorithm: the message is"));
    }
  }
  SECTION("key") {
    envelope.key = ssh_string("ssh-xmss@openssh.com") + ssh_string("x");
    CHECK_THAT(why_unsigned(envelope.armored()), Contains("unknown type 'ssh-xmss@openssh.com'"));
    envelope.key = ssh_string("ssh-dss");
    CHECK_THAT(why_unsigned(envelope.armored()), Contains("weak algorithm: a DSA key"));
    envelope.key = key.blob() + "x";
    CHECK_THAT(why_unsigned(envelope.armored()), Contains("its public key: has 1 bytes too many"));
  }
  SECTION("signature by another kind of key") {
    envelope.signature = ssh_string("ssh-ed25519") + ssh_string(std::string(64, 'x')) + "\1abcd";
    CHECK_THAT(why_unsigned(envelope.armored()), Contains("it is by 'ssh-ed25519', which no"));
    envelope.signature = ssh_string("webauthn-sk-ecdsa-sha2-nistp256@openssh.com");
    CHECK_THAT(why_unsigned(envelope.armored()), Contains("ends too early"));
  }
  SECTION("size") {
    envelope.trailing = std::string(SshSignature::bytes_max, 'x');
    CHECK_THAT(why_unsigned(envelope.armored()), Contains("more than 65536 bytes"));
  }
}

TEST_CASE("armor is one block of lines of one length") {
  const auto armored = with_armor(std::string(200, 'x'));
  const auto wrong = [&](std::size_t at, const std::string& piece) {
    auto text = armored;
    text.insert(at, piece);
    return why_unsigned(text);
  };
  const std::string begin = "-----BEGIN SSH SIGNATURE-----\n";
  CHECK_THAT(why_unsigned(armored), Contains("has no SSHSIG in it"));
  CHECK_THAT(wrong(0, "\n"), Contains("does not begin with the line"));
  CHECK_THAT(wrong(armored.size(), "\n"), Contains("does not end with the line"));
  CHECK_THAT(wrong(begin.size(), "\n"), Contains("its lines are broken"));
  CHECK_THAT(wrong(begin.size(), "AAAA"), Contains("its lines are broken"));
  CHECK_THAT(wrong(begin.size() + 70, " "), Contains("its lines are broken"));
  CHECK_THAT(wrong(begin.size() + 70, "\r"), Contains("its lines are broken"));
  CHECK_THAT(why_unsigned(begin + "-----END SSH SIGNATURE-----\n"), Contains("is not base64"));
  CHECK_THAT(why_unsigned(begin + "A===\n-----END SSH SIGNATURE-----\n"),
             Contains("is not base64"));
  CHECK_THAT(why_unsigned(begin), Contains("does not end with the line"));
  CHECK_THAT(why_unsigned(begin + "AAAA-----END SSH SIGNATURE-----\n"),
             Contains("its lines are broken"));
}

}  // namespace kongfleet::agent::test
