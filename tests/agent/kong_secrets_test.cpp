// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_secrets.hpp"

#include "proto/names.hpp"
#include "tests/agent/kong_scene.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

namespace {

using namespace std::chrono_literals;

/// What is left of the text where that is a setting.
std::string left(const std::string& name, const std::string& value, const std::string& text) {
  KongSecrets secrets;
  secrets.add(name, value);
  return secrets.masked(text);
}

}  // namespace

TEST_CASE("the values of settings that are secret by their name are masked, and no others") {
  const std::string said = "can't log in with CANARY-1 to db, CANARY-1!";
  const std::string masked = "can't log in with … to db, …!";
  for (const auto* name : {"pg_password", "PG_RO_PASSWORD", "KONG_PG_PASSWORD", "redis_password",
                           "vault_hcv_token", "admin_gui_auth_conf", "MY_CLIENT_SECRET"})
    CHECK(left(name, "CANARY-1", said) == masked);
  for (const auto* name : {"pg_user", "plugins", "log_level", "KONG_PG_HOST"})
    CHECK(left(name, "CANARY-1", said) == said);
  CHECK(left("pg_password", "", said) == said);
  CHECK(left("pg_password", "kong", "/usr/local/kong") == "/usr/local/kong");
  CHECK(left("ssl_cert_key", "/etc/kong/a.key", "read /etc/kong/a.key") == "read /etc/kong/a.key");
  CHECK(left("pg_password", "/CANARY-1", "not /CANARY-1") == "not …");
  CHECK(left("pg_password", "{vault://env/pg}", "{vault://env/pg}") == "{vault://env/pg}");
}

TEST_CASE("a secret that holds another is masked as a whole, and so is one that was escaped") {
  KongSecrets secrets;
  secrets.add("pg_password", "CANARY-1");
  secrets.add("pg_ro_password", "CANARY-1-and-more");
  secrets.add("redis_password", "CANARY-\xc3\xa4-2");
  CHECK(secrets.masked("CANARY-1-and-more CANARY-1") == "… …");
  CHECK(secrets.masked("CANARY-\xc3\xa4-2 " + printable("CANARY-\xc3\xa4-2")) == "… …");
  std::vector<Finding> findings{{"load", "a", "f.lua", 1, "not CANARY-1", "try CANARY-1"}};
  secrets.mask(findings);
  CHECK(findings[0].text == "not …");
  CHECK(findings[0].advice == "try …");
}

TEST_CASE("a password of kong.conf that a plugin's error quotes is in no verdict and no finding") {
  Scene scene(TestKong::versions().back(), {"pg_password = CANARY-7f3a91"});
  scene.kong.make("gen5", "5.0.0",
                  "local H = { PRIORITY = 1000, VERSION = \"5.0.0\" }\n"
                  "function H:init_worker() error(\"no database for CANARY-7f3a91\") end\n"
                  "return H\n");
  const auto verdict = scene.deploy("gen5");
  CHECK_FALSE(verdict.ok);
  CHECK(holds(verdict.cause, "no database for …"));
  CHECK(holds(verdict.error_log, "no database for …"));
  CHECK_FALSE(holds(verdict.cause + verdict.error_log, "CANARY"));
  const auto look = scene.node.still(scene.facts, scene.before, scene.expectation("gen5", 1s));
  CHECK_FALSE(holds(look.cause + look.error_log, "CANARY"));

  scene.kong.make("gen6", "6.0.0", "error(\"no database for CANARY-7f3a91\")\n");
  scene.kong.configure("gen6");
  const auto conf = scene.kong.config().conf;
  const auto report = scene.node.preflight(scene.facts, conf, scene.kong.gen("gen6"),
                                           std::chrono::steady_clock::now() + 60s);
  std::string said;
  for (const auto& finding : report.findings) said += finding.text + "\n";
  CHECK(holds(said, "no database for …"));
  CHECK_FALSE(holds(said, "CANARY"));
}

}  // namespace kongfleet::agent::test
