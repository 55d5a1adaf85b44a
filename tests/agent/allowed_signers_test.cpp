// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/allowed_signers.hpp"

#include "proto/error.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

using Catch::Contains;

namespace {

// Of RFC 8032's first test vector.
const std::string rfc_key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

std::string why_bad_signers(const std::string& text) {
  try {
    AllowedSigners::parse(text, "as");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("allowed_signers are read as ssh-keygen(1) has them") {
  const auto signers =
      AllowedSigners::parse("# us\n\n  alice@example.com,bob " + rfc_key + " of Alice\n" +
                                "\"*@example.org\"\tcert-authority,Namespaces=\"git,kong*\","
                                "valid-after=\"20260101Z\",valid-before=\"202602030405\"  " +
                                rfc_key + "\r\n",
                            "as");
  REQUIRE(signers.lines().size() == 2);
  const auto& plain = signers.lines()[0];
  CHECK(plain.line == 3);
  CHECK(plain.principals == "alice@example.com,bob");
  CHECK(plain.key.algorithm() == "ssh-ed25519");
  CHECK_FALSE(plain.options.cert_authority);
  CHECK_FALSE(plain.options.namespaces);
  const auto& other = signers.lines()[1];
  CHECK(other.line == 4);
  CHECK(other.principals == "*@example.org");
  CHECK(other.options.cert_authority);
  CHECK(other.options.namespaces == "git,kong*");
  CHECK(other.options.valid_after == std::time_t{1767225600});
  CHECK(other.options.valid_before);
  CHECK(other.key == plain.key);
}

TEST_CASE("what is wrong in allowed_signers is named with its place") {
  const std::pair<std::string, std::string> wrongs[] = {
      {"", "as:1:1: nobody may sign: no line says who"},
      {"\n# a\n", "as:1:1: nobody may sign"},
      {"* " + rfc_key, "as:1:1: the principals '*' do not say who: a pattern takes anybody"},
      {"\n  a,* " + rfc_key, "as:2:3: the principals 'a,*' do not say who"},
      {"alice", "as:1:6: no key; it reads PRINCIPALS [OPTIONS] KEY-TYPE KEY [COMMENT]"},
      {"alice cert-authority", "as:1:21: no key"},
      {"alice cert-authority2 " + rfc_key, "as:1:21: a comma or a blank belongs behind"},
      {"alice rest " + rfc_key, "as:1:7: unknown option or key type 'rest'"},
      {"alice cert-authority,rest " + rfc_key, "as:1:22: unknown option or key type 'rest'"},
      {"alice namespaces=git " + rfc_key, "as:1:18: the value of namespaces belongs in quotes"},
      {"alice namespaces=\"git " + rfc_key, "nothing closes the quote of namespaces"},
      {"alice valid-after=\"x\" " + rfc_key, "as:1:19: valid-after 'x' is no time; it reads"},
      {"ali\"ce " + rfc_key, "as:1:4: a quote within the principals"},
      {"\"alice " + rfc_key, "as:1:1: a quote that nothing closes"},
      {"\"alice\"" + rfc_key, "as:1:8: a blank belongs behind the quoted principals"},
      {"alice ssh-ed25519", "as:1:18: the key is not base64"},
      {"alice ssh-ed25519 AAAA", "as:1:19: the key: ends too early"},
      {"alice ssh-dss AAAAB3NzaC1kc3M=", "as:1:15: the key: weak algorithm: a DSA key"},
      {"alice ssh-ed25519-cert-v01@openssh.com AAAA", "as:1:7: a certificate where a key belongs"},
      {"alice ssh-rsa " + rfc_key.substr(12), "as:1:7: 'ssh-rsa' is not the type of the key"},
      {std::string("alice\0 x", 8) + rfc_key, "as:1:6: a control character"},
      {"alice \x1b[2J" + rfc_key, "as:1:7: a control character"},
  };
  for (const auto& [text, message] : wrongs) CHECK_THAT(why_bad_signers(text), Contains(message));
  CHECK_THAT(why_bad_signers(std::string((1 << 20) + 1, '\n')), Contains("more than"));
}

}  // namespace kongfleet::agent::test
