// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/trust.hpp"

#include "agent/accepted_releases.hpp"
#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>

#include "text.hpp"
#include "trust_fixture.hpp"

namespace kongfleet::agent {

using test::holds;

namespace {

constexpr std::time_t now = 1'800'000'000;
constexpr std::int64_t later = now + 3600;

Manifest bound(const std::string& name, const std::optional<ReleaseTerms>& terms,
               const std::string& version = "1.0.0") {
  std::vector<ManifestFile> files;
  for (const char* file : {"handler.lua", "schema.lua"}) {
    files.push_back({*RelativePath::parse("kong/plugins/" + name + "/" + file), 3, 0644,
                     sha256(name + version)});
  }
  return Manifest::build(*PluginName::parse(name), *Version::parse(version), std::move(files),
                         terms);
}

ReleaseTerms terms(std::uint64_t serial = 10, const std::string& fleet = "edge",
                   std::int64_t expires = later) {
  return {.fleet = fleet, .serial = serial, .expires = expires};
}

/// `releases`, each signed by `key`.
Proposal proposed(const Signers& host, const std::vector<Manifest>& releases,
                  const std::string& key = "ci") {
  Proposal proposal{.releases = releases};
  for (const auto& release : releases) proposal.signatures.push_back(host.sign(release, key));
  return proposal;
}

/// What is said against `releases`, one line each; each signed by `key`.
std::string said(const Signers& host, const std::vector<Manifest>& releases,
                 const std::string& key = "ci", std::time_t at = now) {
  std::string text;
  for (const auto& finding :
       Trust(host.config).judge(proposed(host, releases, key), {}, at).refusals) {
    CHECK(finding.code == "trust");
    text += finding.plugin + ": " + finding.text + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("what is signed for this fleet by one who may is taken, and remembered") {
  const Signers host;
  const Trust trust(host.config);
  const auto release = bound("a", terms());
  const auto verdict = trust.judge({{release}, {host.sign(release, "ci")}}, {}, now);
  CHECK(verdict.refusals.empty());
  CHECK(verdict.warnings.empty());
  REQUIRE(verdict.accepted.size() == 1);
  trust.accept(verdict.accepted, now);
  const auto accepted = AcceptedReleases::read(host.config.state / "accepted.json");
  CHECK(accepted == AcceptedReleases{.serials = {{"a", 10}}, .latest = now});
  trust.accept({{bound("a", terms(7)), {}}}, now - 5);
  CHECK(AcceptedReleases::read(host.config.state / "accepted.json") == accepted);
}

TEST_CASE("each reason not to take a release has a message of its own") {
  Signers host;
  CHECK_THAT(said(host, {bound("a", terms())}, "stranger"),
             Catch::StartsWith("a: ") && Catch::Contains("SHA256:"));
  CHECK(said(host, {bound("a", std::nullopt)}) ==
        "a: the signed text names no fleet, serial and expiry\n");
  CHECK(said(host, {bound("a", terms(10, "core"))}) ==
        "a: it was signed for fleet 'core', this host is of 'edge'\n");
  CHECK(said(host, {bound("a", terms(10, "edge", now))}) ==
        "a: it expired at 2027-01-15T08:00:00Z\n");
  CHECK(said(host, {bound("a", terms(10, "edge", now + 1))}).empty());

  AcceptedReleases{.serials = {{"a", 10}}, .latest = now}.write(host.config.state /
                                                                "accepted.json");
  CHECK(said(host, {bound("a", terms(10))}).empty());
  CHECK(said(host, {bound("b", terms(1))}).empty());
  CHECK(said(host, {bound("a", terms(9))}) ==
        "a: its serial 9 is older than 10, which this host has accepted\n");
  host.config.serial_jump = 100;
  CHECK(said(host, {bound("a", terms(110))}).empty());
  CHECK(said(host, {bound("a", terms(111))}) ==
        "a: its serial 111 is further above 10, the last this host accepted, than 100\n");
  CHECK(said(host, {bound("a", terms(10))}, "ci", now - 500).empty());
  CHECK_THAT(said(host, {bound("a", terms(10))}, "ci", now - 700),
             Catch::StartsWith("a: this host's clock says 2027-01-15T07:48:20Z, but it accepted a "
                               "release at 2027-01-15T08:00:00Z"));
}

TEST_CASE("a mixture of two releases is called that") {
  const Signers host;
  const auto a = bound("a", terms());
  const auto b = bound("b", terms());
  const Trust trust(host.config);
  const auto verdict =
      trust.judge({{a, b}, {host.sign(b, "ci"), host.sign(a, "ci")}}, {}, now).refusals;
  REQUIRE(verdict.size() == 2);
  CHECK_THAT(verdict[0].text, Catch::EndsWith("its signature is that of b@1.0.0: two releases are "
                                              "mixed"));
  Signers anywhere;
  anywhere.config.signatures = "optional";
  anywhere.config.fleet.clear();
  CHECK(said(anywhere, {bound("a", terms(1, "edge")), bound("b", terms(1, "core"))}) ==
        "b: it was signed for fleet 'core', and a@1.0.0 beside it for 'edge'\n");

  // One after the other they are two as well, until what runs comes signed anew.
  const auto edge = bound("a", terms(1, "edge"));
  const auto core = bound("b", terms(1, "core"));
  const Trust one(anywhere.config);
  const auto second = one.judge({{edge, core}, {"", anywhere.sign(core, "ci")}}, {edge}, now);
  REQUIRE(second.refusals.size() == 1);
  CHECK(holds(second.refusals[0].text, "signed for fleet 'edge'"));
  CHECK(one.judge(proposed(anywhere, {bound("a", terms(2, "core")), core}), {edge}, now)
            .refusals.empty());
}

TEST_CASE("releases signed to run together run beside those and no others") {
  const Signers host;
  const Trust trust(host.config);
  const auto beside = [](const Manifest& other, std::uint64_t serial) {
    auto promised = terms(serial);
    promised.with = {{other.name(), other.version(), other.digest()}};
    return promised;
  };
  const auto judge = [&](const std::vector<Manifest>& releases,
                         const std::vector<Manifest>& running = {}) {
    const auto refusals = trust.judge(proposed(host, releases), running, now).refusals;
    return refusals.empty() ? std::string() : refusals.front().text;
  };
  const auto b1 = bound("b", terms(1));
  const auto b2 = bound("b", terms(2), "2.0.0");
  const auto a = bound("a", beside(b1, 10));
  CHECK(judge({a, b1}).empty());
  CHECK(judge({a, bound("b", terms(5))}).empty());  // signed anew it is the same release
  CHECK(judge({a, b2}) ==
        "a@1.0.0 was signed to run with b@1.0.0 (" + b1.digest().brief() + "); not with 2.0.0");
  CHECK(holds(judge({a}), "there would be none"));
  const auto other = Manifest::build(b1.name(), b1.version(), b2.files(), terms(3));
  CHECK(holds(judge({a, other}), "another of the same version"));

  // What runs here stays bound as it was accepted, whatever a proposal's text now says of it.
  CHECK(judge({a, b1}, {a, b1}).empty());
  CHECK(holds(judge({a, b2}, {a, b1}), "not with 2.0.0"));
  CHECK(holds(judge({a}, {a, b1}), "there would be none"));
  const auto alone = bound("a", terms(11));
  CHECK(judge({alone, b2}, {a, b1}).empty());
  CHECK(judge({bound("a", beside(b2, 11)), b2}, {a, b1}).empty());
  const Proposal forged{{alone, b2}, {host.sign(alone, "stranger"), host.sign(b2, "ci")}};
  CHECK_FALSE(trust.judge(forged, {a, b1}, now).refusals.empty());
  CHECK(judge({b2}, {a, b1}).empty());
}

TEST_CASE(
    "what runs here keeps the terms with which it was accepted, but where it comes signed anew") {
  const Signers host;
  const Trust trust(host.config);
  const auto b = bound("b", terms(1));
  auto promised = terms(10);
  promised.with = {{b.name(), b.version(), b.digest()}};
  const auto a = bound("a", promised);
  const std::vector<Manifest> running{a, b, bound("c", terms(1))};
  const auto terms_after = [&](const Manifest& release, const std::string& key) {
    const auto verdict = trust.judge({{release, b}, {host.sign(release, key), ""}}, running, now);
    CHECK(verdict.refusals.empty());
    CHECK(verdict.accepted.size() == (verdict.releases[0].text() == a.text() ? 0 : 1));
    return verdict.releases[0].terms();
  };
  // Without c the host is to change; a is there, and nobody asks whether it is signed.
  for (const auto& stripped : {bound("a", std::nullopt), bound("a", terms(11))})
    CHECK(trust.judge({{stripped, b}, {}}, running, now).releases[0].text() == a.text());
  CHECK(terms_after(bound("a", terms(11)), "ci") == terms(11));
  CHECK(terms_after(bound("a", terms(11)), "stranger") == a.terms());
  CHECK(terms_after(bound("a", terms(11, "core")), "ci") == a.terms());
  CHECK(terms_after(bound("a", terms(11, "edge", now)), "ci") == a.terms());
  auto elsewhere = terms(11);
  elsewhere.with = {{running[2].name(), running[2].version(), running[2].digest()}};
  CHECK(terms_after(bound("a", elsewhere), "ci") == a.terms());
  std::filesystem::remove(host.config.allowed_signers);
  CHECK(terms_after(bound("a", terms(11)), "ci") == a.terms());
}

TEST_CASE("an unsigned release is taken where signatures are no must, and only there") {
  Signers host;
  const Proposal proposal{{bound("a", std::nullopt)}, {}};
  CHECK(holds(Trust(host.config).judge(proposal, {}, now).refusals.at(0).text, "not signed"));
  host.config.signatures = "optional";
  CHECK(Trust(host.config).judge(proposal, {}, now).refusals.empty());
  // One that claims a serial of its own, unsigned, binds nobody.
  CHECK(Trust(host.config).judge({{bound("a", terms(999))}, {}}, {}, now).accepted.empty());
  CHECK_FALSE(said(host, {bound("a", terms())}, "stranger").empty());
  host.config.signatures = "off";
  CHECK(said(host, {bound("a", terms())}, "stranger").empty());
}

TEST_CASE("signatures that nobody can check are told of, or refused where they are a must") {
  Signers host;
  std::filesystem::remove(host.config.allowed_signers);
  CHECK(holds(said(host, {bound("a", terms())}), "allowed_signers"));
  host.config.signatures = "optional";
  const auto release = bound("a", terms());
  const auto verdict = Trust(host.config).judge({{release}, {"whatever"}}, {}, now);
  CHECK(verdict.refusals.empty());
  CHECK(verdict.accepted.empty());
  CHECK(holds(verdict.warnings.at(0).text, "its signature was not checked: there is no "));
}

TEST_CASE("what the host runs already outlives its key, its expiry and its signature") {
  const Signers host;
  const auto old = bound("a", terms(3, "core", now - 1));
  const Trust trust(host.config);
  CHECK(trust.judge({{old}, {}}, {bound("a", std::nullopt)}, now).refusals.empty());
  CHECK_FALSE(trust.judge({{old}, {}}, {bound("a", std::nullopt, "2.0.0")}, now).refusals.empty());
}

TEST_CASE("files that say whom to trust have to be root's, whole and there") {
  Signers host;
  const auto release = bound("a", terms());
  std::filesystem::permissions(host.config.allowed_signers, std::filesystem::perms(0666));
  CHECK(holds(said(host, {release}), "can be written by everybody, so allowed_signers can't say"));
  host.allow("ci");
  std::filesystem::permissions(host.directory.path(), std::filesystem::perms(0777));
  CHECK(holds(said(host, {release}), "can be written by everybody, so allowed_signers can't say"));
  std::filesystem::permissions(host.directory.path(), std::filesystem::perms(0700));
  host.config.revoked_keys = host.path("revoked");
  CHECK(holds(said(host, {release}), "revoked"));  // is not there
  replace_file(host.path("revoked"), "", 0644);
  CHECK_FALSE(said(host, {release}).empty());  // says nothing
  replace_file(host.path("revoked"), read_file(host.path("stranger") + ".pub"), 0644);
  CHECK(said(host, {release}).empty());
  replace_file(host.path("revoked"), read_file(host.path("ci") + ".pub"), 0644);
  CHECK(holds(said(host, {release}), "revoked"));
  host.config.revoked_keys.clear();
  replace_file(host.config.state / "accepted.json", "{", 0600);
  CHECK(holds(said(host, {release}), "accepted.json can't be read"));
}

TEST_CASE("a file of signers that leads nowhere is no missing one") {
  Signers host;
  host.config.signatures = "optional";
  std::filesystem::remove(host.config.allowed_signers);
  CHECK(said(host, {bound("a", terms())}, "stranger").empty());
  std::filesystem::create_symlink("nowhere", host.config.allowed_signers);
  CHECK(holds(said(host, {bound("a", terms())}, "stranger"), "No such file or directory"));
}

}  // namespace kongfleet::agent
