// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_wire.hpp"
#include "tests/agent/crafted_key_fixture.hpp"
#include "tests/agent/signature_cases.hpp"

namespace kongfleet::agent::test {

namespace {

// What ssh-keygen takes of who may sign; the key is appended.
struct StricterLine {
  std::string name;
  std::string text;
  std::string reason;
};

const StricterLine stricter_lines[] = {
    {"a principal of *", "* ", "a pattern takes anybody"},
    {"* among others", "alice@example.com,* ", "a pattern takes anybody"},
    {"* but one", "*,!mallory ", "a pattern takes anybody"},
    {"several *", "** ", "a pattern takes anybody"},
    {"only ? and *", "?* ", "a pattern takes anybody"},
    {"any address", "*@* ", "a pattern takes anybody"},
    {"a quoted *", "\"*\" ", "a pattern takes anybody"},
    {"a line that is none, before", "alice@example.com nonsense\nalice@example.com ",
     "allowed_signers:1:19: unknown option"},
    {"a day that is none", "alice@example.com valid-after=\"20260231Z\" ", "is no time"},
    {"an empty name", "alice@example.com,,bob ", "a name is empty"},
    {"a line for nobody, before", "mallory\nalice@example.com ", "allowed_signers:1:8: no key"},
};

void add_lines(SigningRoom& room, SignatureCases& cases) {
  const auto key = room.make_key("strict", {"-t", "ed25519"});
  const Question good{signed_manifest, room.sign("strict", signed_manifest),
                      "alice@example.com " + key + "\n"};
  auto question = good;
  const auto add = [&](const std::string& name, const std::string& reason) {
    cases.push_back({"stricter: " + name, question, Verdict::Stricter, reason});
    question = good;
  };
  for (const auto& line : stricter_lines) {
    question.allowed = line.text + key + "\n";
    add(line.name, line.reason);
  }
  question.revoked = "";
  add("an empty revocation list", "is empty");
  question.revoked = "# nobody\n\n";
  add("a revocation list without a key", "no key in it");
  const std::string header("SSHKRL\n\0\0\0\0\1", 12);
  question.revoked = header + std::string(23, '\0') + '\1' + std::string(8, '\0');
  add("a revocation list with unknown flags", "flags");
  question.revoked = header + std::string(32, '\0') + '\2' + wire_u32(0);
  add("a revocation list with an empty section", "ends too early");
  question.revoked = header + std::string(32, '\0') + '\2' + wire_u32(8) + wire_u32(4) + "none";
  add("a revocation of what is no key", "ends too early");
  question.signature += "and more\n";
  add("text after the signature", "does not end with the line");
  question.signature.pop_back();
  add("no last line end", "does not end with the line");
  question.signature.insert(40, "\n");
  add("a line broken again", "its lines are broken");
  auto bytes = without_armor(good.signature);
  bytes[9] = 0;
  question.signature = with_armor(bytes);
  add("version 0", "is of version 0, not 1");
  bytes = without_armor(good.signature);
  const auto reserved = bytes.find("kongfleet-release-v1") + 20;
  bytes.replace(reserved, 4, ssh_string("?"));
  question.signature = with_armor(bytes);
  add("something reserved", "reserved");
}

void add_weak(SigningRoom& room, SignatureCases& cases) {
  for (const auto& [type, bits] : {std::pair("dsa", "1024"), {"rsa", "1024"}, {"rsa", "2047"}}) {
    const std::string name = std::string("weak-") + type + bits;
    const auto key = room.make_key(name, {"-t", type, "-b", bits});
    const Question question{signed_manifest, room.sign(name, signed_manifest),
                            "alice@example.com " + key + "\n"};
    cases.push_back({"stricter: " + name, question, Verdict::Stricter, "weak algorithm"});
  }
  for (const auto kind : {CraftedKey::Kind::SecurityEd25519, CraftedKey::Kind::SecurityEcdsa}) {
    CraftedKey key(kind);
    key.flags = 0;
    cases.push_back({"stricter: nobody touched the key",
                     {signed_manifest, key.armored(signed_manifest),
                      "alice@example.com " + key.public_key() + "\n"},
                     Verdict::Stricter,
                     "nobody touched the security key"});
  }
  // ssh-keygen refuses this one too.
  CraftedKey key(CraftedKey::Kind::Rsa);
  cases.push_back({"an RSA signature over SHA-1",
                   {signed_manifest, key.armored(signed_manifest),
                    "alice@example.com " + key.public_key() + "\n"},
                   Verdict::Bad,
                   "weak algorithm: an RSA signature over SHA-1"});
}

void add_certificates(SigningRoom& room, SignatureCases& cases) {
  const auto ca = room.make_key("strict-ca", {"-t", "rsa", "-b", "2048"});
  room.make_key("strict-leaf", {"-t", "ed25519"});
  const auto line = "alice@example.com cert-authority " + ca + "\n";
  const auto add = [&](const std::string& name, const Arguments& more, const std::string& reason) {
    Arguments options{"-I", "laptop", "-n", "alice@example.com"};
    options.insert(options.end(), more.begin(), more.end());
    room.certify(name, "strict-leaf", "strict-ca", options);
    cases.push_back({"stricter: certificate " + name,
                     {signed_manifest, room.sign(name, signed_manifest), line},
                     Verdict::Stricter,
                     reason});
  };
  add("over-sha1", {"-t", "ssh-rsa"}, "over SHA-1");
  add("force-command", {"-O", "force-command=true"}, "critical option 'force-command'");
  add("unknown-critical", {"-O", "critical:a@b.c=d"}, "critical option 'a@b.c'");
  auto listed = cases.back().question;
  listed.allowed = "alice@example.com " + room.public_key("unknown-critical-cert") + "\n";
  cases.push_back({"stricter: a certificate in a key's place", listed, Verdict::Stricter,
                   "a certificate where a key belongs"});
}

}  // namespace

SignatureCases stricter_cases(SigningRoom& room) {
  SignatureCases cases;
  add_lines(room, cases);
  add_weak(room, cases);
  add_certificates(room, cases);
  return cases;
}

}  // namespace kongfleet::agent::test
