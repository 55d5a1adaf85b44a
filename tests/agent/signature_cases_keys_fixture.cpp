// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/crafted_key_fixture.hpp"
#include "tests/agent/signature_cases.hpp"

namespace kongfleet::agent::test {

namespace {

constexpr std::size_t flips_per_key = 24;

// A signature of each kind of key, and what belongs around it.
struct SignedByKey {
  std::string kind;
  std::string public_key;
  std::string signature;
  std::string for_git;
};

std::vector<SignedByKey> signed_by_each(SigningRoom& room) {
  const std::pair<std::string, Arguments> kinds[] = {
      {"ed25519", {"-t", "ed25519"}},           {"p256", {"-t", "ecdsa", "-b", "256"}},
      {"p384", {"-t", "ecdsa", "-b", "384"}},   {"p521", {"-t", "ecdsa", "-b", "521"}},
      {"rsa2048", {"-t", "rsa", "-b", "2048"}}, {"rsa3072", {"-t", "rsa", "-b", "3072"}}};
  std::vector<SignedByKey> all;
  for (const auto& [kind, options] : kinds) {
    const auto key = room.make_key(kind, options);
    all.push_back({kind, key, room.sign(kind, signed_manifest),
                   room.sign(kind, signed_manifest, {"-n", "git"})});
    all.push_back(
        {kind + "-sha256", key,
         room.sign(kind, signed_manifest, {"-n", "kongfleet-release-v1", "-O", "hashalg=sha256"}),
         all.back().for_git});
  }
  for (const auto kind : {CraftedKey::Kind::SecurityEd25519, CraftedKey::Kind::SecurityEcdsa}) {
    const CraftedKey key(kind);
    all.push_back({kind == CraftedKey::Kind::SecurityEcdsa ? "sk-p256" : "sk-ed25519",
                   key.public_key(), key.armored(signed_manifest),
                   key.armored(signed_manifest, {.key = "", .name_space = "git"})});
  }
  return all;
}

std::string flipped(const std::string& armored, std::size_t share, std::size_t shares) {
  auto bytes = without_armor(armored);
  auto& byte = bytes[share * (bytes.size() - 1) / (shares - 1)];
  byte = static_cast<char>(byte ^ (1 << (share % 8)));
  return with_armor(bytes);
}

}  // namespace

SignatureCases key_cases(SigningRoom& room) {
  SignatureCases cases;
  const auto stranger = room.make_key("stranger", {"-t", "ed25519"});
  for (const auto& [kind, key, signature, for_git] : signed_by_each(room)) {
    const Question good{signed_manifest, signature, "alice@example.com " + key + "\n"};
    cases.push_back({kind, good, Verdict::Good});
    auto changed = good;
    const auto add = [&](const std::string& name, const std::string& reason = "") {
      cases.push_back({kind + ": " + name, changed, Verdict::Bad, reason});
      changed = good;
    };
    for (std::size_t i = 0; i < flips_per_key; ++i) {
      changed.signature = flipped(signature, i, flips_per_key);
      add("a bit flipped, place " + std::to_string(i));
    }
    const auto bytes = without_armor(signature);
    for (const auto size : {std::size_t{0}, std::size_t{6}, std::size_t{10}, bytes.size() / 3,
                            bytes.size() / 2, bytes.size() - 9, bytes.size() - 1}) {
      changed.signature = with_armor(bytes.substr(0, size));
      add("truncated to " + std::to_string(size), "not an SSH signature");
    }
    changed.signature = with_armor(bytes + '\0');
    add("a byte too many", "not an SSH signature");
    changed.signature = for_git;
    add("for git", "for 'git'");
    changed.allowed = "alice@example.com " + stranger + "\n";
    add("another key", "may not sign");
    changed.message.pop_back();
    add("text shortened", "altered");
    changed.message += "\n";
    add("text longer", "altered");
    changed.message = "";
    add("no text", "altered");
  }
  return cases;
}

}  // namespace kongfleet::agent::test
