// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_certificate.hpp"

#include "tests/controller/ssh_fixture.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::controller {
namespace {

using Catch::Matchers::Contains;

/// A host that takes no key at all, only what an authority of its own has signed.
struct Certified {
  Certified() {
    for (const auto* name : {"ca", "ci"}) make_key(path(name), "ed25519");
    sshd.emplace(path("trusting"), std::vector<std::string>{"ed25519"},
                 "TrustedUserCAKeys " + path("ca").string() + ".pub\nAuthorizedPrincipalsFile " +
                     path("principals").string());
    write_file(path("principals"), "kongfleet\n");
    write_file(path("known_hosts"), sshd->known_hosts_line());
    settings = link.settings();
    settings.identity_files = {path("ci").string()};
  }
  fs::path path(const std::string& name) const { return link.dir.path() / name; }
  void sign(const std::string& validity, const std::string& principal = "kongfleet") const {
    run_program({"ssh-keygen", "-q", "-s", path("ca").string(), "-I", "ci", "-n", principal, "-V",
                 validity, path("ci").string() + ".pub"});
  }
  HostAddress address() const { return {"127.0.0.1", sshd->port(), {}, {}}; }
  std::string login() {
    SshLinks links(link.io.get_executor(), settings);
    return link.output_of(links, address(), "echo in");
  }
  LinkFixture link;
  std::optional<Sshd> sshd;
  SshSettings settings;
};

std::optional<CertificateValidity> validity_of(const fs::path& file) {
  return certificate_validity(read_file(file));
}

}  // namespace

TEST_CASE("a certificate of one hour logs in where no key is taken, and nothing else does") {
  Certified host;
  CHECK(host.link.fault_of(host.settings, host.address()) == LinkFault::Auth);
  host.sign("+1h");
  CHECK(host.login() == "in\n");
}

TEST_CASE("an old certificate is refused by the host, and the message says when it expired") {
  Certified host;
  host.sign("20200101000000:20200101010000");
  CHECK(host.link.fault_of(host.settings, host.address()) == LinkFault::Auth);
  const auto validity = validity_of(host.path("ci-cert.pub"));
  REQUIRE(validity);
  CHECK(validity->before - validity->after == 3600);
  CHECK_THAT(host.link.why, Contains("ci-cert.pub' (ssh-ed25519-cert-v01@openssh.com), which " +
                                     validity->objection(validity->before)));
  CHECK_THAT(host.link.why, Contains("expired at 20"));
}

TEST_CASE("a certificate that is not valid yet is told to be so, one of another principal is not") {
  Certified host;
  host.sign("+1h:+2h");
  CHECK(host.link.fault_of(host.settings, host.address()) == LinkFault::Auth);
  CHECK_THAT(host.link.why, Contains("is not valid before 20"));
  host.sign("+1h", "somebody");
  CHECK(host.link.fault_of(host.settings, host.address()) == LinkFault::Auth);
  CHECK_THAT(host.link.why, Contains("ci-cert.pub") && !Contains("which "));
}

TEST_CASE("the validity of a certificate is read whatever kind of key it is for") {
  const SshTempDir dir;
  make_key(dir.path() / "ca", "ed25519");
  for (const std::string type : {"ed25519", "ecdsa", "rsa"}) {
    const fs::path key = dir.path() / type;
    make_key(key, type);
    const auto sign = [&](const std::string& validity) {
      run_program({"env", "TZ=UTC", "ssh-keygen", "-q", "-s", (dir.path() / "ca").string(), "-I",
                   "ci", "-V", validity, key.string() + ".pub"});
      return validity_of(key.string() + "-cert.pub");
    };
    const auto hour = sign("20261128120000:20261128130000");
    REQUIRE(hour);
    CHECK(hour->objection(hour->before - 1).empty());
    CHECK(hour->objection(hour->before) == "expired at 2026-11-28 13:00:00 UTC");
    CHECK(hour->objection(hour->after - 1) == "is not valid before 2026-11-28 12:00:00 UTC");
    const auto always = sign("always:forever");
    REQUIRE(always);
    CHECK(always->objection(0).empty());
    CHECK(always->objection(UINT64_MAX - 1).empty());
    CHECK_FALSE(validity_of(key.string() + ".pub"));
  }
}

TEST_CASE("what is no certificate, or the beginning of one, has no validity") {
  const SshTempDir dir;
  for (const auto* name : {"ca", "key"}) make_key(dir.path() / name, "ed25519");
  run_program({"ssh-keygen", "-q", "-s", (dir.path() / "ca").string(), "-I", "ci",
               (dir.path() / "key").string() + ".pub"});
  const std::string line = read_file(dir.path() / "key-cert.pub");
  REQUIRE(certificate_validity(line));
  const auto begin = line.find(' ') + 1;
  for (std::size_t length = 0; length < 192; length += 4)  // in base64; its validity ends at 195
    CHECK_FALSE(certificate_validity(line.substr(0, begin + length)));
  for (const auto* text : {"", " ", "a", "a b", "a AAAA", "a AAAAAA==", "a /////w=="})
    CHECK_FALSE(certificate_validity(text));
}

}  // namespace kongfleet::controller
