// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Smoke tests against a running Kong with a database. A real one needs a PostgreSQL of its own,
// bootstrapped: KONGFLEET_TEST_POSTGRES=HOST:PORT:USER:PASSWORD:DATABASE; without it there is
// nothing to test with.
#include "agent/durable_file.hpp"
#include "agent/kong_node.hpp"
#include "agent/smoke.hpp"
#include "tests/agent/kong_fixture.hpp"
#include "tests/agent/text.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <sstream>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::vector<std::string> database_settings() {
  if (std::getenv("KONGFLEET_TEST_KONG") == nullptr)
    return {"database = postgres", "pg_host = @/db"};
  const char* named = std::getenv("KONGFLEET_TEST_POSTGRES");
  if (named == nullptr) return {};
  std::vector<std::string> settings = {"database = postgres"};
  std::istringstream words(named);
  std::string word;
  for (const std::string key : {"host", "port", "user", "password", "database"}) {
    std::getline(words, word, ':');
    settings.push_back("pg_" + key + " = " + word);
  }
  return settings;
}

struct DatabaseScene {
  explicit DatabaseScene(const std::string& version)
      : kong(version, database_settings()), node(kong.config()) {
    fs::create_directories(kong.directory() / "db");
    fs::permissions(kong.directory() / "db", fs::perms::all);  // workers write it
    kong.start();
    facts = node.inspect();
  }

  ProbeOutcome smoke(const ProbeSpec& spec) { return node.smoke(facts, spec, Clock::now() + 120s); }
  std::string objection(const ProbeSpec& spec) {
    const auto found = node.smoke_objections(facts, spec, Clock::now() + 30s);
    return found.empty() ? "" : sentence(found.front());
  }
  /// How many entities of smoke tests the database has.
  std::size_t left() const {
    const HttpClient client("/nonexistent/hosts");
    std::size_t count = 0;
    for (const std::string kind : {"/plugins", "/routes", "/services"}) {
      const auto url = HttpUrl::parse(facts.admin + kind + "?tags=" + std::string(smoke_tag));
      const auto ids = ids_in(client.get(std::get<HttpUrl>(url), Clock::now() + 30s));
      REQUIRE(ids);
      count += ids->size();
    }
    return count;
  }

  TestKong kong;
  KongNode node;
  GatewayFacts facts;
};

ProbeSpec guide_probe() {
  ProbeSpec probe;
  probe.name = "guide";
  probe.type = ProbeType::Smoke;
  probe.plugin = "my-plugin";
  probe.header = {{"X-MyPlugin", "^1\\.0\\.0$"}};
  probe.interval = 100ms;
  return probe;
}

}  // namespace

TEST_CASE("the guide's test passes on a running Kong, and leaves it as it was") {
  if (database_settings().empty()) return;
  DatabaseScene scene(any_version());
  CHECK(scene.objection(guide_probe()) == "");
  const auto outcome = scene.smoke(guide_probe());
  INFO(outcome.detail);
  CHECK(outcome.ok);
  CHECK(outcome.detail == "200, X-MyPlugin matches '^1\\.0\\.0$'");
  CHECK(scene.left() == 0);
  CHECK_FALSE(fs::exists(scene.kong.directory() / "state/smoke"));
}

TEST_CASE("a running Kong tells why a smoke test fails, and is left as it was") {
  if (database_settings().empty()) return;
  DatabaseScene scene(TestKong::versions().front());
  auto probe = guide_probe();
  probe.config = R"({"greting":"x"})";
  const auto rejected = scene.smoke(probe);
  CHECK_FALSE(rejected.ok);
  CHECK_FALSE(rejected.inconclusive);
  CHECK(holds(rejected.detail, "schema violation (config.greting: unknown field)"));
  CHECK(scene.left() == 0);
  probe = guide_probe();
  probe.header = {{"X-MyPlugin", "^2"}};
  const auto other = scene.smoke(probe);
  CHECK_FALSE(other.ok);
  CHECK(other.detail == "X-MyPlugin of 5 bytes does not match '^2'");
  CHECK(scene.left() == 0);
}

TEST_CASE("what a smoke test left in a running Kong is removed as the disk remembers it") {
  if (database_settings().empty()) return;
  DatabaseScene scene(TestKong::versions().front());
  const HttpClient client("/nonexistent/hosts");
  for (const auto& call : smoke_entities(SmokeNames("dead"), guide_probe(), 9)) {
    HttpQuestion question;
    question.method = call.method;
    question.url = std::get<HttpUrl>(HttpUrl::parse(scene.facts.admin + call.path));
    question.body = call.body;
    const auto result = client.ask(question, Clock::now() + 30s);
    REQUIRE(result.response);
    REQUIRE(result.response->status == 201);
  }
  CHECK(scene.left() == 3);
  CHECK(scene.node.clear_smoke(scene.facts));  // nothing is remembered
  CHECK(scene.left() == 3);
  replace_file(scene.kong.directory() / "state/smoke", "kongfleet-smoke-dead", 0600);
  auto away = scene.facts;
  away.running = false;
  CHECK_FALSE(scene.node.clear_smoke(away));
  CHECK(scene.node.clear_smoke(scene.facts));
  CHECK(scene.left() == 0);
  CHECK_FALSE(fs::exists(scene.kong.directory() / "state/smoke"));
}

TEST_CASE("a running Kong without a database is no place for a smoke test, nor one that is new") {
  TestKong kong(TestKong::versions().front());
  kong.start();
  KongNode node(kong.config());
  const auto found = node.smoke_objections(node.inspect(), guide_probe(), Clock::now() + 30s);
  REQUIRE(found.size() == 1);
  CHECK(holds(sentence(found.front()),
              "probe 'guide': Kong runs without a database here, so that its Admin API takes no "
              "entities"));
  if (database_settings().empty()) return;
  DatabaseScene scene(TestKong::versions().front());
  auto probe = guide_probe();
  probe.plugin = "your-plugin";
  CHECK(holds(scene.objection(probe), "nothing uses 'your-plugin' yet"));
}

}  // namespace kongfleet::agent::test
