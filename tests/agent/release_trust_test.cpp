// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/release_trust.hpp"

#include "proto/error.hpp"
#include "tests/agent/signing_fixture.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

using Catch::Contains;
using Catch::StartsWith;

TEST_CASE("a release says who signed it, or why it does not count") {
  SigningRoom room;
  const auto key = room.make_key("alice", {"-t", "ed25519"});
  const auto other = room.make_key("mallory", {"-t", "ed25519"});
  const std::string manifest = "fleet: edge\nserial: 7\n";
  Question question{.message = manifest,
                    .signature = room.sign("alice", manifest),
                    .allowed = "# who may\nalice@example.com,alice@ci " + key + " of Alice\n"};

  SECTION("who signed it") {
    const auto signer = require_trusted({manifest, question.signature},
                                        {{"allowed_signers", question.allowed}, {}}, question.now);
    CHECK(signer.principals == "alice@example.com,alice@ci");
    CHECK(signer.key_type == "ssh-ed25519");
    CHECK_THAT(signer.fingerprint, StartsWith("SHA256:") && !Contains("="));
    CHECK(signer.fingerprint.size() == 7 + 43);
  }
  SECTION("unsigned") {
    question.signature = "";
    CHECK_THAT(why_refused(question), StartsWith("the release is not signed"));
  }
  SECTION("no signature") {
    question.signature = "trust me\n";
    CHECK_THAT(why_refused(question), StartsWith("not an SSH signature: it does not begin"));
  }
  SECTION("for another purpose") {
    question.signature = room.sign("alice", manifest, {"-n", "git"});
    CHECK_THAT(why_refused(question), Contains("for 'git', not for 'kongfleet-release-v1'"));
  }
  SECTION("by somebody else") {
    question.signature = room.sign("mallory", manifest);
    CHECK_THAT(why_refused(question), StartsWith("signed by ssh-ed25519 SHA256:") &&
                                          Contains("which may not sign: it is not in "
                                                   "'allowed_signers'"));
  }
  SECTION("by a revoked key") {
    question.revoked = key + "\n";
    CHECK_THAT(why_refused(question), StartsWith("the key ssh-ed25519 SHA256:") &&
                                          Contains("is revoked by 'revoked_keys'"));
  }
  SECTION("by a key that is not valid any more") {
    question.allowed = "alice@example.com valid-before=\"20260601Z\" " + key;
    CHECK_THAT(why_refused(question), Contains("allowed_signers:1: this key is no longer valid: it "
                                               "was until 2026-06-01T00:00:00Z, and now is "
                                               "2026-06-01T12:00:00Z"));
  }
  SECTION("by a key that is not valid yet") {
    question.allowed = "alice@example.com valid-after=\"20260602Z\" " + key;
    CHECK_THAT(why_refused(question),
               Contains("is not yet valid: it is from 2026-06-02T00:00:00Z"));
  }
  SECTION("by a key for another purpose") {
    question.allowed = "alice@example.com namespaces=\"git,file\" " + key;
    CHECK_THAT(why_refused(question), Contains("may sign for 'git,file' only"));
  }
  SECTION("of another text") {
    question.message += " ";
    CHECK_THAT(why_refused(question), StartsWith("the manifest is not the text that ssh-ed25519") &&
                                          Contains("it was altered"));
  }
  SECTION("by a weak algorithm") {
    room.make_key("weak", {"-t", "rsa", "-b", "1024"});
    question.signature = room.sign("weak", manifest);
    CHECK_THAT(why_refused(question), Contains("weak algorithm: an RSA key of 1024 bits"));
  }
  SECTION("when the clock stands before all keys") {
    question.now = 0;
    CHECK_THAT(why_refused(question), StartsWith("this host's clock stands before 1970"));
  }
  SECTION("when the host's own rules are broken") {
    question.revoked = "";
    CHECK_THAT(why_refused(question),
               StartsWith("revoked_keys: the list of revoked keys is empty"));
    question.revoked.reset();
    question.allowed = "";
    CHECK_THAT(why_refused(question), StartsWith("allowed_signers:1:1: nobody may sign"));
  }
}

}  // namespace kongfleet::agent::test
