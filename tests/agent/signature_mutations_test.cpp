// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/error.hpp"
#include "tests/agent/crafted_key_fixture.hpp"
#include "tests/agent/signing_fixture.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace kongfleet::agent::test {

namespace {

constexpr int mutation_count = 2000;
const std::string mutated_manifest = "fleet: edge\nserial: 7\n";

class Mutator {
public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  // One to three small changes: a byte set, flipped, removed, doubled, a piece removed or repeated.
  std::string mutate(std::string text) {
    for (auto times = below(3) + 1; times > 0 && !text.empty(); --times) change(text);
    return text;
  }

private:
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }

  void change(std::string& text) {
    const auto at = below(text.size());
    const auto some = below(std::min<std::size_t>(text.size() - at, 40)) + 1;
    switch (below(6)) {
      case 0:
        text[at] = static_cast<char>(below(256));
        break;
      case 1:
        text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 2:
        text.erase(at, 1);
        break;
      case 3:
        text.insert(at, 1, text[at]);
        break;
      case 4:
        text.erase(at, some);
        break;
      default:
        text.insert(at, text.substr(at, some));
    }
  }

  std::mt19937 random_;
};

// Every kind of section that ssh-keygen makes, about that key.
std::string full_list(SigningRoom& room, const std::string& name) {
  const auto key = room.public_key(name);
  room.write("spec", "serial: 1\nserial: 3\nserial: 1000-2000\nid: old laptop\nsha1: " + key +
                         "\nsha256: " + key + "\n" + key + "\n");
  return room.revocations({"-s", "ca.pub", "spec"});
}

struct MutationScene {
  SigningRoom room;
  std::vector<Question> good;

  MutationScene() {
    const auto key = room.make_key("key", {"-t", "ed25519"});
    room.make_key("other", {"-t", "ed25519"});
    const auto ca = room.make_key("ca", {"-t", "ecdsa"});
    const auto rsa = room.make_key("rsa", {"-t", "rsa", "-b", "2048"});
    room.certify("leaf", "key", "ca", {"-I", "laptop", "-n", "alice@example.com", "-z", "7"});
    const CraftedKey touched(CraftedKey::Kind::SecurityEcdsa);
    const auto sign = [&](const std::string& name) { return room.sign(name, mutated_manifest); };
    const std::string alice = "alice@example.com ";
    good = {
        {mutated_manifest, sign("key"), alice + key + "\n"},
        {mutated_manifest, sign("rsa"), alice + rsa + "\n"},
        {mutated_manifest, sign("leaf"), alice + "cert-authority " + ca + "\n"},
        {mutated_manifest, touched.armored(mutated_manifest), alice + touched.public_key() + "\n"}};
  }
};

}  // namespace

TEST_CASE("no part of a signature counts, and no changed one") {
  MutationScene scene;
  Mutator mutator(1);
  for (const auto& good : scene.good) {
    REQUIRE(why_refused(good) == "");
    auto question = good;
    for (std::size_t size = 0; size < good.signature.size(); ++size) {
      question.signature = good.signature.substr(0, size);
      CHECK(why_refused(question) != "");
    }
    const auto bytes = without_armor(good.signature);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      question.signature = with_armor(bytes.substr(0, size));
      CHECK(why_refused(question) != "");
    }
    for (int i = 0; i < mutation_count; ++i) {
      const auto text = mutator.mutate(good.signature);
      const auto inner = mutator.mutate(bytes);
      for (const auto& changed : {text, with_armor(inner)}) {
        if (changed == good.signature) continue;
        question.signature = changed;
        CHECK(why_refused(question) != "");
      }
    }
  }
}

// A changed list may revoke another key, and a changed line name another person. What must not be:
// that we take what ssh-keygen does not.
TEST_CASE("no changed revocation list or allowed_signers is good where it is not for ssh-keygen") {
  MutationScene scene;
  Mutator mutator(2);
  const std::string lists[] = {full_list(scene.room, "key"), full_list(scene.room, "other")};
  std::size_t asked = 0;
  const auto look = [&](const Question& question) {
    if (!why_refused(question).empty()) return;
    ++asked;
    INFO("allowed " << question.allowed << ", revoked " << question.revoked.value_or("-"));
    CHECK(scene.room.openssh_accepts(question));
  };
  for (const auto& good : {scene.good[0], scene.good[2]}) {
    auto question = good;
    for (const auto& list : lists) {
      question.revoked = list;
      CHECK((why_refused(question) == "") == (&list != lists));
      for (std::size_t size = 0; size < list.size(); ++size) {
        question.revoked = list.substr(0, size);
        look(question);
      }
      for (int i = 0; i < mutation_count / 2; ++i) {
        question.revoked = mutator.mutate(list);
        look(question);
      }
    }
    question = good;
    for (std::size_t size = 0; size < good.allowed.find("AAAA") + 60; ++size) {
      question.allowed = good.allowed.substr(0, size);
      CHECK(why_refused(question) != "");
    }
    for (int i = 0; i < mutation_count; ++i) {
      question.allowed = mutator.mutate(good.allowed);
      // Else it may name another person, whom ssh-keygen was not asked for.
      if (question.allowed.starts_with("alice@example.com ")) look(question);
    }
  }
  CHECK(asked > 100);
}

}  // namespace kongfleet::agent::test
