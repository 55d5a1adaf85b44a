// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/known_hosts.hpp"

#include "controller/ssh_hash.hpp"
#include "controller/ssh_pattern.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <random>

namespace kongfleet::controller {
namespace {

using Catch::Matchers::Contains;

// Made with ssh-keygen, as are the hashed name and the fingerprint below.
const std::string one =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOv7rWteL1tm7qKoTq9MbfpTBJnXwg09vGihn0iSKGHg";
const std::string two =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPoAbqJnfY1YR/yf680uWIlwFTKlsSPWuv3cOFolsDN0";

HostKey key(const std::string& line) {
  const std::size_t blank = line.find(' ');
  return HostKey::parse(line.substr(0, blank), line.substr(blank + 1)).value();
}

KnownHosts parsed(const std::string& text) {
  KnownHosts known;
  known.add(text, "/etc/known");
  return known;
}

std::string refusal(const KnownHosts& known, const std::string& host, const std::string& offered,
                    std::uint16_t port = 22) {
  return known.refusal(known.find(host, port), key(offered)).value_or("");
}

std::string hashed(const std::string& name) {
  const std::string salt(20, 's');
  return "|1|" + base64_encoded(salt) + '|' + base64_encoded(hmac_sha1(salt, name));
}

}  // namespace

TEST_CASE("known_hosts: a plain name, a list of names and any case of letters are found") {
  const KnownHosts known = parsed("edge-01,10.0.0.1 " + one + " a comment\nOther " + two + '\n');
  CHECK(refusal(known, "edge-01", one).empty());
  CHECK(refusal(known, "EDGE-01", one).empty());
  CHECK(refusal(known, "10.0.0.1", one).empty());
  CHECK(refusal(known, "other", two).empty());
  CHECK_THAT(refusal(known, "edge-02", one), Contains("unknown"));
  CHECK(known.problems().empty());
}

TEST_CASE(
    "known_hosts: a key belongs to its port, and a plain name speaks where no port is listed") {
  const KnownHosts known = parsed("[edge]:2222 " + one + "\nedge " + two + "\nplain " + one + '\n');
  CHECK(refusal(known, "edge", one, 2222).empty());
  CHECK_THAT(refusal(known, "edge", two, 2222), Contains("changed"));
  CHECK(refusal(known, "edge", two).empty());
  CHECK_THAT(refusal(known, "edge", one), Contains("changed"));
  CHECK(refusal(known, "plain", one, 2222).empty());
}

TEST_CASE("known_hosts: wildcards match and a negated pattern takes its host out") {
  const KnownHosts known =
      parsed("*.example.com,!bad.example.com " + one + "\n[10.?.0.*]:22* " + two);
  CHECK(refusal(known, "a.example.com", one).empty());
  CHECK_THAT(refusal(known, "bad.example.com", one), Contains("unknown"));
  CHECK_THAT(refusal(known, "example.com", one), Contains("unknown"));
  CHECK(refusal(known, "10.1.0.77", two, 2222).empty());
  CHECK_THAT(refusal(known, "10.11.0.77", two, 2222), Contains("unknown"));
}

TEST_CASE("known_hosts: hashed names are found, with and without a port") {
  const KnownHosts known =
      parsed(hashed("edge") + ' ' + one + '\n' + hashed("[edge]:2222") + ' ' + two + '\n');
  CHECK(refusal(known, "edge", one).empty());
  CHECK(refusal(known, "edge", two, 2222).empty());
  CHECK_THAT(refusal(known, "edge", one, 2222), Contains("changed") && Contains("/etc/known:2"));
  CHECK_THAT(refusal(known, "edge2", one), Contains("unknown"));
}

TEST_CASE("known_hosts: a name hashed by OpenSSH is found") {
  const KnownHosts known =
      parsed("|1|rCsC6uwSX36gVlmIYAHE1qsTdNE=|2jx0UNO12LW+avzo75sUTYt4SIs= " + one);
  CHECK(refusal(known, "edge-01", one).empty());
  CHECK_THAT(refusal(known, "edge-02", one), Contains("unknown"));
  CHECK(key(one).fingerprint() == "SHA256:Z1BRP9YwiyDbKkHM4CHBnlQgac4jvgXmim4GRWwyCrU");
}

TEST_CASE("known_hosts: a revoked key is refused on every port, though it is on file as good") {
  const KnownHosts known =
      parsed("edge,[edge]:2222 " + one + "\n@revoked edge " + one + "\n@revoked * " + two + '\n');
  CHECK_THAT(refusal(known, "edge", one), Contains("revoked") && Contains("/etc/known:2"));
  CHECK_THAT(refusal(known, "edge", one, 2222), Contains("revoked"));
  CHECK_THAT(refusal(known, "anything", two), Contains("/etc/known:3"));
}

TEST_CASE(
    "known_hosts: where only a certificate authority matches, the refusal says what is missing") {
  const KnownHosts known = parsed("@cert-authority *.example.com " + one);
  CHECK_THAT(refusal(known, "a.example.com", one),
             Contains("certificate authority") && Contains("not supported"));
  CHECK(known.find("a.example.com", 22).key_types().empty());
}

TEST_CASE("known_hosts: a refusal names both fingerprints, file and line, and the commands") {
  const KnownHosts known = parsed("\n# comment\n[edge]:2222 " + one);
  const std::string why = refusal(known, "edge", two, 2222);
  CHECK_THAT(why, Contains(key(one).fingerprint()) && Contains(key(two).fingerprint()));
  CHECK_THAT(why, Contains("/etc/known:3"));
  CHECK_THAT(why, Contains("ssh-keygen -R '[edge]:2222' -f '/etc/known'"));
  CHECK_THAT(why, Contains("ssh-keyscan -p 2222 edge >> '/etc/known'"));
  CHECK_THAT(refusal(KnownHosts(), "edge", one), Contains("no known_hosts file"));
}

TEST_CASE("known_hosts: lines that cannot be read are remembered and the others count") {
  const KnownHosts known = parsed("edge\nedge ssh-ed25519\nedge ssh-ed25519 AAAA\n@what edge " +
                                  one + "\nedge ssh-rsa " + one.substr(12) + "\n|1|x|y " + one +
                                  "\nedge " + one + "\n@revoked\n");
  CHECK(refusal(known, "edge", one).empty());
  REQUIRE(known.problems().size() == 7);
  CHECK(known.problems()[3].line == 4);
  CHECK_THAT(known.problems()[3].why, Contains("@what"));
  CHECK(known.problems()[6].line == 8);
}

TEST_CASE("known_hosts: several files are one, and one that is missing is empty") {
  KnownHosts known = KnownHosts::load({"/nowhere/known_hosts"});
  CHECK_THAT(refusal(known, "edge", one), Contains("'/nowhere/known_hosts'"));
  known.add("edge " + one, "a");
  known.add("edge " + two, "b");
  CHECK(refusal(known, "edge", one).empty());
  CHECK(refusal(known, "edge", two).empty());
  CHECK_THROWS_WITH(KnownHosts::load({"/proc/self/mem"}), Contains("/proc/self/mem"));
}

TEST_CASE("known_hosts: the types on file are told in file order, each once") {
  const std::string ecdsa =
      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLqiLFVmq1j7E1ZMMvf1"
      "v7acYMQElWxP0ow38iSNg8yGYfexnSWHiM74wKiWzzM6XFu4zwhIkIR46kV2ZE6Js4s=";
  const KnownHosts known = parsed("edge " + ecdsa + "\nedge " + one + "\nedge " + two);
  CHECK(known.find("edge", 22).key_types() ==
        std::vector<std::string>{"ecdsa-sha2-nistp256", "ssh-ed25519"});
}

TEST_CASE("known_hosts: random bytes and cut lines never crash the parser") {
  std::mt19937 random(7);
  const std::string good =
      "@revoked a,[b]:22,*c,!d " + one + '\n' + hashed("edge") + ' ' + two + '\n';
  for (int round = 0; round < 5000; ++round) {
    std::string text = good;
    for (int i = 0; i < 4; ++i) text[random() % text.size()] = static_cast<char>(random() & 0xffU);
    text.resize(random() % (text.size() + 1));
    const KnownHosts known = parsed(text);
    (void)known.refusal(known.find("edge", 2222), key(one));
  }
}

TEST_CASE("known_hosts: fifty thousand plain names are looked up without reading them all") {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "host-" + std::to_string(i) + ' ' + one + '\n';
  const KnownHosts known = parsed(text);
  const auto begin = std::chrono::steady_clock::now();
  int found = 0;
  for (int i = 0; i < 50'000; ++i) {
    if (known.find("host-" + std::to_string(i), 22).entries.size() == 1) ++found;
  }
  CHECK(found == 50'000);
  CHECK(std::chrono::steady_clock::now() - begin <
        std::chrono::seconds(5));  // all of them, not one
}

TEST_CASE("patterns: a star is any run, a question mark one character, and no pattern is slow") {
  CHECK(pattern_matches("edge-01.example", "edge-??.*"));
  CHECK(pattern_matches("", "*"));
  CHECK(!pattern_matches("", "?"));
  CHECK(!pattern_matches("abc", "ab"));
  CHECK(pattern_list_matches("edge-02", "edge-*,!edge-03"));
  CHECK(!pattern_list_matches("edge-03", "edge-*,!edge-03"));
  CHECK(!pattern_list_matches("core", "!edge"));
  std::string stars;
  for (int i = 0; i < 200; ++i) stars += "*a";
  CHECK(!pattern_matches(std::string(200, 'a') + 'b', stars));
}

TEST_CASE("base64 goes there and back, and what is not base64 is refused") {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    if (!text.empty()) CHECK(base64_decoded(base64_encoded(text)) == text);
  }
  CHECK(base64_encoded("fooba") == "Zm9vYmE=");
  for (const std::string text : {"", "Zg", "Z===", "Zg=a", "Z g=", "Zm9v\n"}) {
    CHECK(base64_decoded(text) == std::nullopt);
  }
}

}  // namespace kongfleet::controller
