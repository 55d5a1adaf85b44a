// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/crafted_key_fixture.hpp"
#include "tests/agent/signature_cases.hpp"

namespace kongfleet::agent::test {

namespace {

// By ssh-keygen's KRL specification: what stands in the file "spec", and the authority's key.
struct SpecCase {
  std::string name;
  std::string spec;
  bool revokes;
  std::string authority = "krl-ca.pub";
};

// The certificate has the serial number 1000 and the key id "laptop".
const SpecCase list_specs[] = {
    {"its serial", "serial: 1000\n", true},
    {"another serial", "serial: 999\n", false},
    {"a list of serials", "serial: 1\nserial: 1000\nserial: 900000\n", true},
    {"a list without", "serial: 1\nserial: 1001\nserial: 900000\n", false},
    {"a range", "serial: 500-1500\n", true},
    {"a range to it", "serial: 500-1000\n", true},
    {"a range from it", "serial: 1000-2000\n", true},
    {"a range below", "serial: 500-999\n", false},
    {"a range above", "serial: 1001-1500\n", false},
    {"all serials", "serial: 1-18446744073709551615\n", true},
    {"a bitmap", "serial: 990\nserial: 992\nserial: 995\nserial: 1000\nserial: 1003\n", true},
    {"a bitmap without", "serial: 990\nserial: 992\nserial: 995\nserial: 1001\nserial: 1003\n",
     false},
    {"a bitmap that begins with it", "serial: 1000\nserial: 1002\nserial: 1005\nserial: 1009\n",
     true},
    {"a bitmap that ends with it", "serial: 990\nserial: 993\nserial: 995\nserial: 1000\n", true},
    {"its key id", "id: laptop\n", true},
    {"another key id", "id: lapto\n", false},
    {"another authority's serial", "serial: 1000\n", false, "krl-other-ca.pub"},
    {"another authority's key id", "id: laptop\n", false, "krl-other-ca.pub"},
    {"any authority's key id", "id: laptop\n", true, "none"},
    {"any authority's serial", "serial: 1-2000\n", true, "none"},
};

class RevocationCases {
public:
  RevocationCases(SigningRoom& room, SignatureCases& cases) : room_(room), cases_(cases) {}

  void add(const std::string& name, const Question& good, const std::string& revoked,
           bool revokes) {
    auto question = good;
    question.revoked = revoked;
    cases_.push_back({"revoked: " + name, question, revokes ? Verdict::Bad : Verdict::Good,
                      revokes ? "is revoked by" : ""});
  }
  void add_broken(const std::string& name, const Question& good, const std::string& revoked) {
    auto question = good;
    question.revoked = revoked;
    cases_.push_back({"revoked: " + name, question, Verdict::Bad, "revoked_keys"});
  }
  std::string of_spec(const std::string& spec, const Arguments& more = {}) {
    room_.write("spec", spec);
    Arguments all = more;
    all.push_back("spec");
    return room_.revocations(all);
  }

private:
  SigningRoom& room_;
  SignatureCases& cases_;
};

void add_keys(SigningRoom& room, RevocationCases& cases, const Question& plain) {
  const auto key = room.public_key("krl-key");
  const auto other = room.public_key("krl-other");
  const auto list = room.revocations({"krl-key.pub"});
  cases.add("the key", plain, list, true);
  cases.add("another key", plain, room.revocations({"krl-other.pub"}), false);
  cases.add("both keys", plain, room.revocations({"krl-other.pub", "krl-key.pub"}), true);
  cases.add("by SHA-1", plain, cases.of_spec("sha1: " + key + "\n"), true);
  cases.add("another by SHA-1", plain, cases.of_spec("sha1: " + other + "\n"), false);
  cases.add("by SHA-256", plain, cases.of_spec("sha256: " + key + "\n"), true);
  cases.add("another by SHA-256", plain, cases.of_spec("sha256: " + other + "\n"), false);
  cases.add("nobody", plain, room.revocations({}), false);
  cases.add("a numbered list with a comment", plain, room.revocations({"-z", "9", "krl-key.pub"}),
            true);
  cases.add("a text with the key", plain, "# gone\n\n" + key + " of Alice\n", true);
  cases.add("a text with both", plain, other + "\n" + key, true);
  cases.add("a text with another", plain, other + "\n", false);
  cases.add("a text with a weak one", plain, other + "\n" + room.public_key("krl-weak"), false);
  cases.add_broken("no text of keys", plain, "nobody\n");
  cases.add_broken("a key cut off", plain, other.substr(0, 50) + "\n");
  cases.add_broken("a key with options", plain, "restrict " + other + "\n");
  cases.add_broken("a specification", plain, "serial: 5\n");
  for (const auto size : {std::size_t{7}, std::size_t{12}, std::size_t{40}, list.size() - 1})
    cases.add_broken("cut to " + std::to_string(size), plain, list.substr(0, size));
  auto version = list;
  version[11] = 2;
  cases.add_broken("version 2", plain, version);
  const std::string one = std::string(3, '\0') + '\1';
  cases.add_broken("an unknown section", plain, list + '\x09' + one + "x");
  cases.add_broken("trailing bytes", plain, list + "\n");
  const auto bad_hash = '\x05' + wire_u32(5) + one + "x";
  cases.add_broken("a short fingerprint", plain, list + bad_hash);
  const auto certificates = [&](const std::string& sections) {
    const auto body = std::string(8, '\0') + sections;
    return list + '\x01' + wire_u32(static_cast<std::uint32_t>(body.size())) + body;
  };
  cases.add_broken("an unknown section of certificates", plain, certificates('\x2a' + one + "x"));
  const std::string zero(8, '\0');
  cases.add_broken("serial number 0", plain, certificates('\x20' + wire_u32(8) + zero));
  cases.add_broken("a range backwards", plain,
                   certificates('\x21' + wire_u32(16) + std::string(8, '\1') + zero));
  cases.add_broken("half a serial number", plain, certificates('\x20' + wire_u32(4) + "abcd"));
  cases.add_broken(
      "a bitmap past the end", plain,
      certificates('\x22' + wire_u32(14) + std::string(8, '\xff') + wire_u32(2) + "\x01\x01"));
}

}  // namespace

SignatureCases revocation_cases(SigningRoom& room) {
  SignatureCases all;
  RevocationCases cases(room, all);
  const auto key = room.make_key("krl-key", {"-t", "ed25519"});
  room.make_key("krl-other", {"-t", "ecdsa"});
  room.make_key("krl-weak", {"-t", "rsa", "-b", "1024"});
  const auto authority = room.make_key("krl-ca", {"-t", "ed25519"});
  room.make_key("krl-other-ca", {"-t", "ed25519"});
  room.certify("krl-leaf", "krl-key", "krl-ca",
               {"-I", "laptop", "-n", "alice@example.com", "-z", "1000"});
  room.certify("krl-unnumbered", "krl-key", "krl-ca", {"-I", "x", "-n", "alice@example.com"});
  const Question plain{signed_manifest, room.sign("krl-key", signed_manifest),
                       "alice@example.com " + key + "\n"};
  const Question certified{signed_manifest, room.sign("krl-leaf", signed_manifest),
                           "alice@example.com cert-authority " + authority + "\n"};
  auto unnumbered = certified;
  unnumbered.signature = room.sign("krl-unnumbered", signed_manifest);

  add_keys(room, cases, plain);
  for (const auto& spec : list_specs)
    cases.add("certificate, " + spec.name, certified,
              cases.of_spec(spec.spec, {"-s", spec.authority}), spec.revokes);
  cases.add("certificate without a serial number", unnumbered,
            cases.of_spec("serial: 1-18446744073709551615\n", {"-s", "krl-ca.pub"}), false);
  cases.add("the certificate itself", certified, room.revocations({"krl-leaf-cert.pub"}), true);
  cases.add("another certificate", certified, room.revocations({"krl-unnumbered-cert.pub"}), false);
  cases.add("its key", certified, room.revocations({"krl-key.pub"}), true);
  cases.add("its authority", certified, room.revocations({"krl-ca.pub"}), true);
  cases.add("another authority", certified, room.revocations({"krl-other-ca.pub"}), false);
  cases.add("its authority by SHA-256", certified, cases.of_spec("sha256: " + authority + "\n"),
            true);
  cases.add("a text with its authority", certified, authority + "\n", true);
  cases.add("a text with its key", certified, key + "\n", true);
  cases.add("a text with its certificate", certified, room.public_key("krl-leaf-cert") + "\n",
            true);
  cases.add("a text with a certificate of the key", plain, room.public_key("krl-leaf-cert") + "\n",
            true);
  return all;
}

}  // namespace kongfleet::agent::test
