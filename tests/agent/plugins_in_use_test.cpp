// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// What configuration, wherever it comes from, still needs of a candidate.
#include "tests/agent/http_server.hpp"
#include "tests/agent/preflight_fixture.hpp"

#include <algorithm>

namespace kongfleet::agent::test {
namespace {

/// An Admin API that says what the test wants said.
struct SaidToBeInUse {
  std::string names;        // JSON
  std::string config = "";  // of GET /config; empty: 403
  TestServer server{[this](const std::string& request) {
    if (request.starts_with("GET /config "))
      return config.empty() ? http_response(403, "{}") : http_response(200, config);
    return http_response(200, "{\"plugins\":{\"enabled_in_cluster\":" + names + "}}");
  }};
};

std::string codes(const std::vector<Finding>& findings) {
  std::string text;
  for (const auto& finding : findings)
    text += (text.empty() ? "" : " ") +
            (finding.warning ? "(" + finding.code + ")" : finding.code) + ":" + finding.plugin;
  return text;
}

}  // namespace

TEST_CASE("a plugin that leaves `plugins` while the database's configuration uses it is refused") {
  auto& shared = shared_kong(TestKong::versions().back());
  SaidToBeInUse admin{R"(["my-plugin","cors","canary"])"};
  auto facts = shared.facts;
  facts.admin = admin.server.url();
  const auto found = [&](const std::string& plugins) {
    shared.more = "database = postgres\n";
    std::swap(shared.facts, facts);
    const auto findings = shared.of("gen2", plugins);
    std::swap(shared.facts, facts);
    shared.more.clear();
    return findings;
  };
  CHECK(codes(found("bundled,my-plugin")).empty());  // whatever came by `bundled` still does
  const auto findings = found("bundled");
  REQUIRE(codes(findings) == "in-use:my-plugin");
  CHECK(findings.front().file == shared.facts.conf.string());
  const auto text = read_file(shared.kong.config().state / "candidate.conf");
  const auto before = text.substr(0, text.find("\nplugins = ") + 1);
  CHECK(findings.front().line == 1 + std::count(before.begin(), before.end(), '\n'));
  CHECK(holds(findings.front().text, "Kong would reject the reload"));
  CHECK(codes(found("my-plugin")) == "in-use:cors in-use:canary");
  admin.names = "{}";
  CHECK(codes(found("my-plugin")).empty());
}

TEST_CASE("where nobody can be asked whether a plugin that leaves is used, that is a warning") {
  auto& shared = shared_kong(TestKong::versions().back());
  auto facts = shared.facts;
  SECTION("a data plane") { facts.role = "data_plane"; }
  SECTION("no Admin API") { facts.admin = ""; }
  SECTION("one that does not answer us") { facts.admin = "http://127.0.0.1:1"; }
  shared.more = "declarative_config =\n";
  std::swap(shared.facts, facts);
  const auto leaves = shared.of("gen2", "bundled");
  const auto stays = shared.of("gen2");
  std::swap(shared.facts, facts);
  shared.more.clear();
  CHECK(holds(codes(leaves), "(in-use):my-plugin"));
  CHECK(std::all_of(leaves.begin(), leaves.end(), [](const auto& f) { return f.warning; }));
  CHECK_FALSE(holds(codes(stays), "in-use"));
}

TEST_CASE("a configuration that came by POST /config must fit the candidate") {
  Preflight preflight(any_version(), {"declarative_config ="});
  preflight.more = "declarative_config =\n";
  CHECK(codes(preflight.of("gen2")).empty());
  CHECK(codes(preflight.of("gen2", "bundled")).empty());  // it uses nothing yet
  preflight.kong.post_config();
  CHECK(codes(preflight.of("gen2")).empty());
  CHECK(codes(preflight.of("gen2", "bundled")) == "in-use:my-plugin");
  preflight.kong.make("stricter", "3.0.0");
  preflight.kong.write(preflight.kong.gen("stricter") / plugin / "schema.lua",
                       "return { name = \"my-plugin\", fields = { { config = { type = \"record\", "
                       "fields = { { must = { type = \"string\", required = true } } } } } } }\n");
  const auto finding = preflight.one("stricter");
  CHECK(finding.code == "config");
  CHECK(holds(finding.text, "must"));
}

TEST_CASE("what a running Kong tells of its configuration is blamed only for what is new") {
  auto& shared = shared_kong(any_version());
  SaidToBeInUse admin{"[]", R"({"config":"_format_version: \"2.1\"\nnonsense: true\n"})"};
  auto facts = shared.facts;
  facts.admin = admin.server.url();
  shared.more = "declarative_config =\n";
  std::swap(shared.facts, facts);
  const auto doubtful = shared.of("gen2");
  admin.config.clear();
  const auto forbidden = shared.of("gen2");
  std::swap(shared.facts, facts);
  shared.more.clear();
  REQUIRE(codes(doubtful) == "(config):");
  CHECK(holds(doubtful.front().text, "nonsense"));
  REQUIRE(codes(forbidden) == "(config):");
  CHECK(holds(forbidden.front().text, "GET /config answers 403"));
}

}  // namespace kongfleet::agent::test
