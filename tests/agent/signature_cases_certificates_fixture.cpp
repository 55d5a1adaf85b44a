// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/signature_cases.hpp"

namespace kongfleet::agent::test {

namespace {

struct CertificateCase {
  std::string name;
  Arguments options;
  Verdict verdict;
  std::string reason = "";
  std::string authority = "ca";
  std::string line = "*@example.com cert-authority ";  // before the authority's key
};

const Arguments for_alice = {"-I", "laptop", "-n", "alice@example.com"};

Arguments for_alice_with(const Arguments& more) {
  auto all = for_alice;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<CertificateCase> all_certificates() {
  const auto valid = [](const std::string& span) { return for_alice_with({"-V", span}); };
  return {
      {"valid always", for_alice, Verdict::Good},
      {"two principals", {"-I", "x", "-n", "bob@example.com,alice@example.com"}, Verdict::Good},
      {"a serial number", for_alice_with({"-z", "7"}), Verdict::Good},
      {"valid now", valid("20260101Z:20270101Z"), Verdict::Good},
      {"valid from this second", valid("20260601120000Z:20270101Z"), Verdict::Good},
      {"valid from the next", valid("20260601120001Z:20270101Z"), Verdict::Bad, "not yet valid"},
      {"valid until the next second", valid("20260101Z:20260601120001Z"), Verdict::Good},
      {"valid until this second", valid("20260101Z:20260601120000Z"), Verdict::Bad, "no longer"},
      {"expired", valid("20250101Z:20260101Z"), Verdict::Bad, "no longer valid"},
      {"for somebody else",
       {"-I", "x", "-n", "bob@example.com"},
       Verdict::Bad,
       "no principal",
       "ca",
       "alice@example.com cert-authority "},
      {"for another domain", {"-I", "x", "-n", "alice@example.org"}, Verdict::Bad, "no principal"},
      {"for nobody", {"-I", "x"}, Verdict::Bad, "no principal"},
      {"of a host", for_alice_with({"-h"}), Verdict::Bad, "not of a user"},
      {"of another authority", for_alice, Verdict::Bad, "no cert-authority", "other-ca"},
      {"no authority", for_alice, Verdict::Bad, "no cert-authority", "ca", "*@example.com "},
      {"for another purpose", for_alice, Verdict::Bad, "only, not for", "ca",
       "*@example.com cert-authority,namespaces=\"git\" "},
      {"for our purpose", for_alice, Verdict::Good, "", "ca",
       "*@example.com cert-authority,namespaces=\"kongfleet-*\" "},
      {"an authority that expired", for_alice, Verdict::Bad, "no longer valid", "ca",
       "*@example.com cert-authority,valid-before=\"20260101Z\" "},
      {"an authority to come", for_alice, Verdict::Bad, "not yet valid", "ca",
       "*@example.com valid-after=\"20270101Z\",cert-authority "},
      {"not from that line", for_alice, Verdict::Bad, "no principal", "ca",
       "*@example.com,!alice@example.com cert-authority "},
      {"extensions", for_alice_with({"-O", "clear", "-O", "extension:a@b.c=d"}), Verdict::Good},
      {"an RSA authority", for_alice, Verdict::Good, "", "rsa-ca"},
      {"a P-384 authority", for_alice, Verdict::Good, "", "ecdsa-ca"},
  };
}

// A copy that claims another principal of the same length: the authority never signed it.
std::string forged(const std::string& armored) {
  auto bytes = without_armor(armored);
  bytes.replace(bytes.find("bob@example.com"), 3, "eve");
  return with_armor(bytes);
}

}  // namespace

SignatureCases certificate_cases(SigningRoom& room) {
  room.make_key("ca", {"-t", "ed25519"});
  room.make_key("other-ca", {"-t", "ed25519"});
  room.make_key("rsa-ca", {"-t", "rsa", "-b", "2048"});
  room.make_key("ecdsa-ca", {"-t", "ecdsa", "-b", "384"});
  SignatureCases cases;
  for (const auto& [type, bits] :
       {std::pair("ed25519", "256"), {"ecdsa", "521"}, {"rsa", "2048"}}) {
    const std::string key = std::string("leaf-") + type;
    room.make_key(key, {"-t", type, "-b", bits});
    for (const auto& one : all_certificates()) {
      const auto name = key + "-" + std::to_string(cases.size());
      room.certify(name, key, one.authority, one.options);
      const auto trusted = one.name == "of another authority" ? "ca" : one.authority;
      cases.push_back({"certificate of " + key + ": " + one.name,
                       {signed_manifest, room.sign(name, signed_manifest),
                        one.line + room.public_key(trusted) + "\n"},
                       one.verdict,
                       one.reason});
    }
    room.certify(key + "-forged", key, "ca", {"-I", "x", "-n", "bob@example.com"});
    Question question{signed_manifest, forged(room.sign(key + "-forged", signed_manifest)),
                      "*@example.com cert-authority " + room.public_key("ca") + "\n"};
    question.identity = "eve@example.com";
    cases.push_back(
        {"certificate of " + key + ": forged", question, Verdict::Bad, "not what its authority"});
    question.signature = room.sign(key, signed_manifest);
    cases.push_back(
        {"key of " + key + " without its certificate", question, Verdict::Bad, "may not sign"});
  }
  return cases;
}

}  // namespace kongfleet::agent::test
