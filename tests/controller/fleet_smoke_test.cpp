// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Smoke tests in a fleet file: what comes out, and the mistakes one makes.
#include "controller/fleet_file.hpp"
#include "controller/probe_order.hpp"
#include "controller/wire_json.hpp"
#include "proto/framing.hpp"
#include "proto/kongfleet.pb.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "run_fixture.hpp"
#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

// Eleven lines; what follows begins on line 12.
const std::string two_plugins =
    "[fleet]\nname = \"f\"\n[plugins.my-plugin]\nsource = \"a\"\n[plugins.other]\nsource = \"b\"\n"
    "[groups.g]\nhosts = [\"a\"]\nplugins = [\"my-plugin\"]\nprobes = [\"guide\"]\n\n";

Fleet smoke_fleet(const std::string& text) {
  return parse_fleet(text, {.path = "fleet.toml", .home = "/home/me"});
}

std::string smoke_mistake(const std::string& text) {
  return replaced(message_of([&] { smoke_fleet(text); }), "fleet.toml:", "");
}

const std::string smoke_head = "[probes.guide]\ntype = \"smoke\"\n";

}  // namespace

TEST_CASE("a smoke test comes out as written, its configuration as JSON") {
  const auto fleet = smoke_fleet(
      two_plugins + smoke_head +
      "plugin = \"my-plugin\"\nintroduce = true\nstatus = 401\nheader = { X-A = \"b\" }\n"
      "[probes.guide.config]\ngreeting = \"yo \\\"you\\\"\"\nlimit = 1.5\non = true\n"
      "list = [1, \"a\"]\ninner = { a = [] }\n");
  const auto probe = fleet.probes_of(fleet.hosts[0]).at(0);
  CHECK(probe.type == ProbeType::Smoke);
  CHECK(probe.plugin == "my-plugin");
  CHECK(probe.introduce);
  CHECK(probe.status == 401);
  CHECK(probe.header.size() == 1);
  CHECK(boost::json::parse(probe.config) ==
        boost::json::parse(R"({"greeting":"yo \"you\"","limit":1.5,"on":true,"list":[1,"a"],)"
                           R"("inner":{"a":[]}})"));
}

TEST_CASE("a smoke test that names no plugin is of the host's only one") {
  const auto fleet = smoke_fleet(two_plugins + smoke_head);
  const auto probe = fleet.probes_of(fleet.hosts[0]).at(0);
  CHECK(probe.plugin == "my-plugin");
  CHECK(probe.config.empty());
  CHECK_FALSE(probe.introduce);
}

TEST_CASE("mistakes in a smoke test") {
  const auto at = [](const std::string& text) { return smoke_mistake(two_plugins + text); };
  CHECK(at(smoke_head + "url = \"http://a/\"\n") ==
        "14:1: unknown key 'url' in [probes.guide]; its keys are 'type', 'plugin', 'config', "
        "'introduce', 'status', 'header', 'body', 'interval', 'timeout' and 'successes'");
  CHECK(at(smoke_head + "plugin = \"my-plugn\"\n") ==
        "14:10: there is no plugin 'my-plugn'; did you mean 'my-plugin'?");
  CHECK(at(smoke_head + "config = \"a\"\n") ==
        "14:10: found the text \"a\" for 'config'; write config = { greeting = \"hello\" }");
  CHECK(at(smoke_head + "config = { since = 2026-01-01 }\n").find("14:20: found a date") == 0);
  CHECK(at(smoke_head + "config = { a = inf }\n").find("in a plugin's configuration") !=
        std::string::npos);
  CHECK(at(smoke_head + "config = { a = \"" + std::string(70'000, 'x') + "\" }\n")
            .find("60 KiB are the most") != std::string::npos);
  CHECK(at(smoke_head + "introduce = 1\n") ==
        "14:13: found the number 1 for 'introduce'; it is true or false");
  CHECK(at(smoke_head + "plugin = \"other\"\n") ==
        "8:10: the host 'a' has the smoke test 'guide', but not its plugin 'other'; give one of "
        "its groups that plugin, or take the probe away");
  const auto both =
      replaced(two_plugins + smoke_head, "[\"my-plugin\"]", "[\"my-plugin\", \"other\"]");
  CHECK(smoke_mistake(both) ==
        "8:10: the host 'a' has the smoke test 'guide' and 2 plugins; write which one it is of in "
        "[probes.guide], as in plugin = \"my-plugin\"");
}

TEST_CASE("a smoke test is ordered with its plugin, of agents that know it, and of no other") {
  const auto fleet = smoke_fleet(two_plugins + smoke_head + "config = { a = 1 }\n");
  wire::Apply apply;
  order_probes(fleet, fleet.hosts[0], *apply.mutable_probes());
  REQUIRE(apply.probes_size() == 1);
  CHECK(apply.probes(0).type() == "smoke");
  CHECK(apply.probes(0).plugin() == "my-plugin");
  CHECK(apply.probes(0).config() == R"({"a":1})");
  CHECK_FALSE(apply.probes(0).introduce());
  wire::Welcome welcome;
  CHECK_FALSE(knows(welcome, smoke_feature));
  welcome.add_features("x");
  welcome.add_features(std::string(smoke_feature));
  CHECK(knows(welcome, smoke_feature));
  CHECK(message_of([&] { refuse_smoke(fleet, fleet.hosts[0]); }) ==
        "its agent is older than smoke tests, and the probe 'guide' is one; upgrade it, as with "
        "'kongfleet bootstrap a'");
  const auto without = smoke_fleet(replaced(two_plugins, "[\"guide\"]", "[]") + smoke_head);
  CHECK_NOTHROW(refuse_smoke(without, without.hosts[0]));
}

TEST_CASE("only a probe without a verdict is called inconclusive in JSON") {
  auto outcome = full_outcome();
  CHECK(boost::json::serialize(outcome_json(outcome)).find("inconclusive") == std::string::npos);
  outcome.mutable_probes(0)->set_inconclusive(true);
  CHECK(boost::json::serialize(outcome_json(outcome)).find("\"inconclusive\":true") !=
        std::string::npos);
}

}  // namespace kongfleet::controller
