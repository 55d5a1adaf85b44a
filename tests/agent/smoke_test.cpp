// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// What Kong answers here is what Kong 2.8.5 with PostgreSQL 15 answered.
#include "agent/smoke.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

namespace kongfleet::agent::test {
namespace {

using Sign = SmokeReading::Sign;

ProbeSpec smoke_probe() {
  ProbeSpec probe;
  probe.name = "guide";
  probe.type = ProbeType::Smoke;
  probe.plugin = "my-plugin";
  return probe;
}

HttpResult told(unsigned status, const std::string& body) {
  return {HttpResponse{status, {}, body}, ""};
}

/// A host on which `smoke_probe` may be run.
SmokeGround good_ground() {
  SmokeGround ground;
  ground.role = "traditional";
  ground.admin = "http://127.0.0.1:8001";
  ground.answer.kind = AdminAnswer::Kind::Told;
  ground.answer.root.database = "postgres";
  ground.proxy = "http://127.0.0.1:8000";
  ground.effective_plugins = "bundled, my-plugin";
  return ground;
}

std::string objection_to(const SmokeGround& ground, const ProbeSpec& probe = smoke_probe()) {
  const auto objection = smoke_objection(probe, ground);
  if (!objection) return "";
  CHECK(!objection->advice.empty());
  return objection->text;
}

const AdminCall plugin_call{"POST", "/services/s/plugins", ""};

}  // namespace

TEST_CASE("a smoke test creates a service, a route and the plugin, all tagged, in this order") {
  auto probe = smoke_probe();
  probe.config = R"({"greeting":"yo"})";
  const SmokeNames names("0a1b");
  const auto calls = smoke_entities(names, probe, 4711);
  REQUIRE(calls.size() == 3);
  CHECK(calls[0].path == "/services");
  CHECK(calls[1].path == "/services/kongfleet-smoke-0a1b/routes");
  CHECK(calls[2].path == "/services/kongfleet-smoke-0a1b/plugins");
  for (const auto& call : calls) {
    CHECK(call.method == "POST");
    const auto body = boost::json::parse(call.body);
    CHECK(body.at("tags").at(0).as_string() == "kongfleet-smoke");
    CHECK(body.at("tags").at(1).as_string() == "kongfleet-smoke-0a1b");
  }
  const auto service = boost::json::parse(calls[0].body);
  CHECK(service.at("host").as_string() == "127.0.0.1");
  CHECK(service.at("port").as_int64() == 4711);
  CHECK(boost::json::parse(calls[2].body).at("name").as_string() == "my-plugin");
  CHECK(boost::json::parse(calls[2].body).at("config").at("greeting").as_string() == "yo");
}

TEST_CASE("a smoke test's route asks for all a route can ask for, under a name nobody has") {
  const SmokeNames names("0a1b");
  const auto route =
      boost::json::parse(smoke_entities(names, smoke_probe(), 1)[1].body).as_object();
  CHECK(route.at("hosts").at(0).as_string() == "0a1b.kongfleet.invalid");
  CHECK(route.at("paths").at(0).as_string() == "/kongfleet-smoke-0a1b");
  CHECK(route.at("methods").at(0).as_string() == "GET");
  CHECK(route.at("headers").at("X-Kongfleet-Smoke").at(0).as_string() == "kongfleet-smoke-0a1b");
}

TEST_CASE("a smoke test's plugin without a configuration has Kong's defaults") {
  const auto created =
      boost::json::parse(smoke_entities(SmokeNames("1"), smoke_probe(), 1)[2].body);
  CHECK(created.at("config").as_object().empty());
}

TEST_CASE("a configuration that the plugin's schema rejects is a verdict, in Kong's words") {
  const auto reading = judge_created(
      plugin_call, told(400, R"~({"fields":{"config":{"greting":"unknown field"}},"code":2,)~"
                             R"~("name":"schema violation",)~"
                             R"~("message":"schema violation (config.greting: unknown field)"})~"));
  CHECK(reading.sign == Sign::Rejected);
  CHECK(reading.why ==
        "Kong rejects the plugin's configuration: "
        "schema violation (config.greting: unknown field)");
}

TEST_CASE("what the Admin API can't or won't create says nothing of the plugin") {
  CHECK(judge_created(plugin_call, told(201, "{}")).sign == Sign::Created);
  const auto dbless = judge_created(
      {"POST", "/services", ""},
      told(405, R"({"message":"cannot create 'services' entities when not using a database",)"
                R"("name":"operation unsupported","code":12})"));
  CHECK(dbless.sign == Sign::Unknown);
  CHECK(dbless.why ==
        "POST /services of the Admin API answers 405: "
        "cannot create 'services' entities when not using a database");
  const auto away =
      judge_created(plugin_call, told(500, R"({"message":"An unexpected error occurred"})"));
  CHECK(away.sign == Sign::Unknown);
  CHECK(away.why ==
        "POST /services/s/plugins of the Admin API answers 500: An unexpected error occurred");
  // A service that Kong finds wrong is our mistake, or another Kong than we know.
  CHECK(judge_created({"POST", "/services", ""}, told(400, R"({"message":"no"})")).sign ==
        Sign::Unknown);
  CHECK(judge_created(plugin_call, told(400, "<html>")).sign == Sign::Unknown);
  CHECK(judge_created(plugin_call, {{}, "no answer in time"}).why == "no answer in time");
}

TEST_CASE("a listing by tag names ids, or is none") {
  CHECK(ids_in(told(200, R"({"data":[{"id":"a"},{"id":"b"}],"next":null})")) ==
        std::vector<std::string>{"a", "b"});
  CHECK(ids_in(told(200, R"({"next":null,"data":[]})"))->empty());
  CHECK(ids_in(told(200, R"({"next":null,"data":{}})"))->empty());
  CHECK_FALSE(ids_in(told(500, R"({"data":[]})")));
  CHECK_FALSE(ids_in(told(200, "[]")));
  CHECK_FALSE(ids_in(told(200, "{")));
  CHECK_FALSE(ids_in(told(200, R"({"data":{"id":"a"}})")));
  CHECK_FALSE(ids_in(told(200, R"({"data":[{"name":"a"}]})")));
  CHECK_FALSE(ids_in({{}, "no answer in time"}));
}

TEST_CASE("Kong's 404 for a route it does not know is told from a plugin's own") {
  CHECK(not_routed({404, {}, R"({"message":"no Route matched with those values"})"}));
  CHECK_FALSE(not_routed({404, {}, R"({"message":"Not found"})"}));
  CHECK_FALSE(not_routed({200, {}, R"({"message":"no Route matched with those values"})"}));
}

TEST_CASE("a smoke test is run where it can come to a verdict and harms nobody") {
  CHECK(objection_to(good_ground()) == "");
  auto ground = good_ground();
  ground.role = "data_plane";
  CHECK(objection_to(ground).find("Kong is a data plane here") == 0);
  ground = good_ground();
  ground.admin = "";
  CHECK(objection_to(ground) == "Kong has no Admin API here that speaks plain HTTP");
  ground = good_ground();
  ground.answer = {AdminAnswer::Kind::Forbidden, {}, "the Admin API at A answers 401"};
  CHECK(objection_to(ground) ==
        "the Admin API at A answers 401: it wants a token, and the agent has none");
  ground.answer = {AdminAnswer::Kind::Silent, {}, "no answer in time"};
  CHECK(objection_to(ground) == "no answer in time");
  ground = good_ground();
  ground.answer.root.database = "off";
  CHECK(objection_to(ground).find("without a database") != std::string::npos);
  ground.answer.root.database.reset();
  CHECK(objection_to(ground).find("without a database") != std::string::npos);
  ground = good_ground();
  ground.proxy = "";
  CHECK(objection_to(ground).find("no listener for traffic") != std::string::npos);
}

TEST_CASE("a plugin that nothing used yet is smoke tested only where one says so") {
  auto ground = good_ground();
  ground.effective_plugins = "bundled, my-plugin-2";
  CHECK(objection_to(ground).find("nothing uses 'my-plugin' yet") == 0);
  ground.answer.root.in_use = std::vector<std::string>{"cors"};
  CHECK(objection_to(ground).find("nothing uses 'my-plugin' yet") == 0);
  auto probe = smoke_probe();
  probe.introduce = true;
  CHECK(objection_to(ground, probe) == "");
  ground.answer.root.in_use = std::vector<std::string>{"cors", "my-plugin"};
  CHECK(objection_to(ground) == "");
}

}  // namespace kongfleet::agent::test
