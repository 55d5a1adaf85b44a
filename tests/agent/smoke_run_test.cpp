// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// The smoke test's order, against a Kong that answers as the test says and a clock of its own.
#include "agent/smoke_run.hpp"

#include "proto/error.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include <cerrno>
#include <functional>
#include <map>
#include <system_error>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;

/// Keeps entities as Kong's database does: each has an id and tags, and can't go before what refers
/// to it.
struct FakeWorld final : SmokeWorld {
  std::map<std::string, std::map<std::string, std::string>> entities;  // kind, id, tags as JSON
  std::vector<std::string> calls;
  std::function<std::optional<HttpResult>(const AdminCall&)> on_admin;  // else as Kong does
  std::function<HttpResult()> on_request = [] {
    return HttpResult{HttpResponse{200, {{"X-MyPlugin", "1.0.0"}}, ""}, ""};
  };
  std::optional<std::string> memory;
  bool disk_full = false;
  Time clock{};
  int ids = 0;

  Time now() override { return clock; }
  void pause(std::chrono::milliseconds time) override { clock += time; }
  std::string fresh_id() override { return "a" + std::to_string(++ids); }
  std::uint16_t upstream() override { return 4711; }
  std::optional<std::string> remembered() override { return memory; }
  void remember(const std::string& tag) override {
    if (disk_full) throw Error("write '/state/smoke': No space left on device");
    memory = tag;
  }
  void forget() override { memory.reset(); }

  HttpResult request(const SmokeNames& names, Time) override {
    clock += 10ms;
    CHECK(names.host.ends_with(".kongfleet.invalid"));
    CHECK(left() == 3);  // nobody asks before all is there
    return on_request();
  }

  HttpResult admin(const AdminCall& call, Time) override {
    clock += 10ms;
    calls.push_back(call.method + " " + call.path);
    if (on_admin)
      if (const auto answer = on_admin(call)) return *answer;
    if (call.method == "POST") return create(call);
    if (call.method == "DELETE") return remove(call);
    return list(call);
  }

  std::size_t left() const {
    std::size_t count = 0;
    for (const auto& [kind, each] : entities) count += each.size();
    return count;
  }

private:
  static HttpResult answer(unsigned status, const std::string& body) {
    return {HttpResponse{status, {}, body}, ""};
  }

  HttpResult create(const AdminCall& call) {
    CHECK(memory);  // what may be left must be known before
    const auto kind = call.path.substr(call.path.rfind('/') + 1);
    const auto body = boost::json::parse(call.body);
    entities[kind][kind + std::to_string(++ids)] = boost::json::serialize(body.at("tags"));
    return answer(201, "{}");
  }

  HttpResult remove(const AdminCall& call) {
    const auto slash = call.path.rfind('/');
    const auto kind = call.path.substr(1, slash - 1);
    const bool needed = kind == "services" && !(entities["routes"].empty());
    if (needed) return answer(400, R"({"message":"an existing 'routes' entity references this"})");
    entities[kind].erase(call.path.substr(slash + 1));
    return answer(204, "");
  }

  HttpResult list(const AdminCall& call) {
    const auto question = call.path.find('?');
    const auto tag = "\"" + call.path.substr(call.path.find('=') + 1) + "\"";
    std::string data;
    // A page has one entity, as if there were very many.
    for (const auto& [id, tags] : entities[call.path.substr(1, question - 1)])
      if (data.empty() && tags.find(tag) != std::string::npos) data = R"({"id":")" + id + R"("})";
    return answer(200, R"({"next":null,"data":[)" + data + "]}");
  }
};

ProbeSpec guide() {
  ProbeSpec probe;
  probe.name = "guide";
  probe.type = ProbeType::Smoke;
  probe.plugin = "my-plugin";
  probe.header = {{"X-MyPlugin", "^1"}};
  return probe;
}

ProbeOutcome smoke(FakeWorld& world, std::chrono::seconds time = 300s) {
  return run_smoke(world, guide(), world.clock + time);
}

HttpResult response(unsigned status, const std::string& body = "") {
  return {HttpResponse{status, {}, body}, ""};
}

const HttpResult unrouted = response(404, R"({"message":"no Route matched with those values"})");

}  // namespace

TEST_CASE("a smoke test passes when the header is there so many times in a row, and cleans up") {
  FakeWorld world;
  const auto outcome = smoke(world);
  CHECK(outcome.ok);
  CHECK(outcome.name == "guide");
  CHECK(outcome.detail == "200, X-MyPlugin matches '^1'");
  CHECK(outcome.tries == 3);
  CHECK(world.left() == 0);
  CHECK_FALSE(world.memory);
}

TEST_CASE("a smoke test waits for workers that have not taken up its route") {
  FakeWorld world;
  int asked = 0;
  world.on_request = [&] {
    // Every other worker knows it, for twelve seconds.
    const bool there = ++asked % 2 == 0 || world.clock > FakeWorld::Time{} + 12s;
    return there ? HttpResult{HttpResponse{200, {{"x-myplugin", "1.2"}}, ""}, ""} : unrouted;
  };
  CHECK(smoke(world).ok);
  CHECK(world.left() == 0);
}

TEST_CASE("a smoke test whose plugin does nothing fails, not before fifteen seconds") {
  FakeWorld world;
  world.on_request = [] { return response(200); };
  const auto outcome = smoke(world);
  CHECK_FALSE(outcome.ok);
  CHECK_FALSE(outcome.inconclusive);
  CHECK(outcome.detail == "no header X-MyPlugin");
  CHECK(world.clock >= FakeWorld::Time{} + 15s);
  CHECK(world.clock < FakeWorld::Time{} + 30s);
  CHECK(world.left() == 0);
}

TEST_CASE("a smoke test quotes nothing of what came") {
  FakeWorld world;
  world.on_request = [] {
    return HttpResult{HttpResponse{200, {{"X-MyPlugin", "CANARY"}}, "CANARY"}, ""};
  };
  const auto outcome = smoke(world);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.detail == "X-MyPlugin of 6 bytes does not match '^1'");
  CHECK(outcome.came.empty());
}

TEST_CASE("a smoke test that nobody routes is inconclusive, at its deadline too") {
  FakeWorld world;
  world.on_request = [] { return unrouted; };
  const auto outcome = smoke(world, 3s);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.inconclusive);
  CHECK(outcome.detail == "Kong did not take up the test's route in time: 404");
  CHECK(world.clock < FakeWorld::Time{} + 5s);
  CHECK(world.left() == 0);
}

TEST_CASE("a smoke test that only some workers route is inconclusive: no answer was wrong") {
  FakeWorld world;
  int asked = 0;
  world.on_request = [&] {
    return ++asked % 2 == 0 ? HttpResult{HttpResponse{200, {{"x-myplugin", "1.2"}}, ""}, ""}
                            : unrouted;
  };
  const auto outcome = smoke(world, 60s);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.inconclusive);
  CHECK(world.left() == 0);
}

TEST_CASE("what keeps a smoke test from being run at all is no verdict") {
  FakeWorld world;
  world.on_request = []() -> HttpResult {
    throw std::system_error(EAGAIN, std::generic_category());
  };
  const auto outcome = smoke(world);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.inconclusive);
  CHECK(world.left() == 0);
}

TEST_CASE("a configuration that Kong rejects fails the smoke test and leaves nothing") {
  FakeWorld world;
  world.on_admin = [](const AdminCall& call) -> std::optional<HttpResult> {
    if (call.method != "POST" || !call.path.ends_with("/plugins")) return std::nullopt;
    return response(400,
                    R"~({"message":"schema violation (config.greeting: expected a string)"})~");
  };
  const auto outcome = smoke(world);
  CHECK_FALSE(outcome.ok);
  CHECK_FALSE(outcome.inconclusive);
  CHECK(outcome.detail ==
        "Kong rejects the plugin's configuration: "
        "schema violation (config.greeting: expected a string)");
  CHECK(outcome.tries == 0);
  CHECK(world.left() == 0);
  CHECK_FALSE(world.memory);
}

TEST_CASE("a smoke test whose Admin API fails is inconclusive and removes what was created") {
  FakeWorld world;
  world.on_admin = [](const AdminCall& call) -> std::optional<HttpResult> {
    if (!call.path.ends_with("/routes")) return std::nullopt;
    return response(500, R"({"message":"An unexpected error occurred"})");
  };
  const auto outcome = smoke(world);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.inconclusive);
  CHECK(outcome.detail.find("answers 500: An unexpected error occurred") != std::string::npos);
  CHECK(world.left() == 0);
}

TEST_CASE("what a question without an answer did after all is removed as well") {
  FakeWorld world;
  const AdminCall* late = nullptr;
  std::optional<AdminCall> kept;
  world.on_admin = [&](const AdminCall& call) -> std::optional<HttpResult> {
    if (call.method == "POST" && call.path.ends_with("/routes") && late == nullptr) {
      kept = call;
      late = &*kept;
      return HttpResult{{}, "no answer in time"};
    }
    // Kong carries it out within the next seconds.
    if (kept && world.clock > FakeWorld::Time{} + 3s) {
      kept.reset();
      world.entities["routes"]["late"] = R"(["kongfleet-smoke-a1"])";
    }
    return std::nullopt;
  };
  const auto outcome = smoke(world);
  CHECK(outcome.inconclusive);
  CHECK_FALSE(kept);
  CHECK(world.left() == 0);
}

TEST_CASE("a smoke test is not passed while what it created is still there, and that stays known") {
  FakeWorld world;
  bool away = false;
  world.on_request = [&] {
    away = true;
    return HttpResult{HttpResponse{200, {{"X-MyPlugin", "1.0.0"}}, ""}, ""};
  };
  world.on_admin = [&](const AdminCall&) -> std::optional<HttpResult> {
    return away ? std::optional(HttpResult{{}, "connect to 127.0.0.1:8001: Connection refused"})
                : std::nullopt;
  };
  const auto outcome = smoke(world);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.inconclusive);
  CHECK(outcome.detail ==
        "200, X-MyPlugin matches '^1'; and what it created, all with the tag kongfleet-smoke-a1, "
        "could "
        "not be removed: connect to 127.0.0.1:8001: Connection refused");
  CHECK(world.memory == "kongfleet-smoke-a1");
  CHECK(world.clock < FakeWorld::Time{} + 60s);
  world.on_admin = nullptr;
  CHECK(clear_smoke(world) == "");
  CHECK(world.left() == 0);
  CHECK_FALSE(world.memory);
}

TEST_CASE("a removal that fails for a moment is tried again") {
  FakeWorld world;
  int refused = 0;
  world.on_admin = [&](const AdminCall& call) -> std::optional<HttpResult> {
    if (call.method == "GET" && refused < 5 && ++refused > 0) return response(500);
    return std::nullopt;
  };
  CHECK(smoke(world).ok);
  CHECK(refused == 5);
  CHECK(world.left() == 0);
}

TEST_CASE("the next smoke test removes what an agent that died left, and only that") {
  FakeWorld world;
  world.memory = "kongfleet-smoke-dead";
  world.entities["plugins"]["p"] = R"(["kongfleet-smoke","kongfleet-smoke-dead"])";
  world.entities["services"]["s"] = R"(["kongfleet-smoke","kongfleet-smoke-dead"])";
  world.entities["services"]["other-host"] = R"(["kongfleet-smoke","kongfleet-smoke-b7"])";
  world.entities["services"]["real"] = R"(["prod"])";
  world.on_request = [] { return response(500); };
  CHECK(clear_smoke(world) == "");
  CHECK(world.left() == 2);
  CHECK(world.entities["services"].contains("other-host"));
  world.calls.clear();
  CHECK(clear_smoke(world) == "");
  CHECK(world.calls.empty());  // nothing is remembered: nobody is asked
}

TEST_CASE("a smoke test creates nothing while an earlier one's entities can't be removed") {
  FakeWorld world;
  world.memory = "kongfleet-smoke-dead";
  world.on_admin = [](const AdminCall&) { return response(401); };
  const auto outcome = smoke(world);
  CHECK(outcome.inconclusive);
  CHECK(outcome.detail.find("what an earlier smoke test left is still there: GET /plugins") == 0);
  CHECK(world.memory == "kongfleet-smoke-dead");
  for (const auto& call : world.calls) CHECK(call.starts_with("GET "));
}

TEST_CASE("a smoke test that can't remember creates nothing") {
  FakeWorld world;
  world.disk_full = true;
  const auto outcome = smoke(world);
  CHECK(outcome.inconclusive);
  CHECK(outcome.detail == "write '/state/smoke': No space left on device");
  CHECK(world.calls.empty());
}

TEST_CASE("a smoke test without time asks nothing") {
  FakeWorld world;
  const auto outcome = smoke(world, 0s);
  CHECK(outcome.inconclusive);
  CHECK(outcome.detail == "no time was left to try");
  CHECK(world.calls.empty());
}

}  // namespace kongfleet::agent::test
