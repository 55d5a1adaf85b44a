// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_admin.hpp"

#include "tests/agent/http_server.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Kind = AdminAnswer::Kind;

AdminAnswer ask(const std::string& response) {
  const TestServer server([&](const std::string&) { return response; });
  const HttpClient client("/etc/hosts");
  return KongAdmin(client).root(server.url(), Clock::now() + 20s);
}

}  // namespace

TEST_CASE("an answer of Kong 2 is read") {
  const auto root = parse_admin_root(R"({"version":"2.8.5","pids":{"master":10,"workers":[11,12]},
    "plugins":{"available_on_server":{"my-plugin":true},"enabled_in_cluster":["my-plugin"]},
    "configuration":{"lua_package_path":"/g/?.lua;;","plugins":["bundled","my-plugin"],
      "database":"postgres"}})");
  REQUIRE(root);
  CHECK(root->database == "postgres");
  CHECK(root->master == 10);
  CHECK(root->workers == std::vector<int>{11, 12});
  CHECK(root->lua_package_path == "/g/?.lua;;");
  CHECK(root->plugins == std::vector<std::string>{"bundled", "my-plugin"});
  CHECK(root->versions.empty());
  CHECK(root->in_use == std::vector<std::string>{"my-plugin"});
}

TEST_CASE("an answer of Kong 3 tells versions") {
  const auto root = parse_admin_root(
      R"({"plugins":{"available_on_server":{"my-plugin":{"version":"1.0.0","priority":1000}}}})");
  REQUIRE(root);
  CHECK(root->versions.at("my-plugin") == "1.0.0");
}

TEST_CASE("what is missing or of another type is nothing") {
  const auto flushed = parse_admin_root(R"({"pids":{"master":10}})");
  REQUIRE(flushed);
  CHECK_FALSE(flushed->workers);
  CHECK_FALSE(flushed->lua_package_path);
  const auto odd = parse_admin_root(
      R"({"pids":{"master":"10","workers":[-1]},"configuration":{"plugins":[1]},"version":3})");
  REQUIRE(odd);
  CHECK_FALSE(odd->master);
  CHECK_FALSE(odd->workers);
  CHECK_FALSE(odd->plugins);
  CHECK(parse_admin_root(R"({"configuration":{"plugins":{}}})")->plugins ==
        std::vector<std::string>{});
  CHECK_FALSE(parse_admin_root("[1]"));
  CHECK_FALSE(parse_admin_root("<html>"));
  CHECK_FALSE(parse_admin_root(""));
  CHECK_FALSE(parse_admin_root(std::string(100'000, '[')));
}

TEST_CASE("answers are told apart by what they mean") {
  CHECK(ask(http_response(200, R"({"version":"3.4.2"})")).kind == Kind::Told);
  CHECK(ask(http_response(200, "<html>")).kind == Kind::Broken);
  CHECK(ask(http_response(500, "<html>")).kind == Kind::Broken);
  CHECK(ask(http_response(401, "{}")).kind == Kind::Forbidden);
  CHECK(ask(http_response(403, "{}")).kind == Kind::Forbidden);
  CHECK(ask("nonsense").kind == Kind::Silent);
}

TEST_CASE("the Status API is asked for its page and, where there is one, for readiness") {
  const HttpClient client("/etc/hosts");
  const KongAdmin admin(client);
  const auto status = [&](int ready, int page, const std::string& body) {
    const TestServer server([&](const std::string& request) {
      if (request.starts_with("GET /status/ready ")) return http_response(ready, "{}");
      return request.starts_with("GET /status ") ? http_response(page, body) : "nonsense";
    });
    return admin.status(server.url(), Clock::now() + 20s);
  };
  CHECK(status(200, 200, "{}").ready == 200);
  CHECK(status(503, 200, "{}").ready == 503);
  CHECK_FALSE(status(404, 200, "{}").ready);
  CHECK(status(404, 500, "<html>").page == 500);
  CHECK(
      status(200, 200, R"({"configuration_hash":"00000000000000000000000000000000"})").configured);
  CHECK_FALSE(status(200, 200, R"({"configuration_hash":null})").configured);
  CHECK_FALSE(status(200, 200, "<html>").configured);
  CHECK_FALSE(admin.status("http://127.0.0.1:1", Clock::now() + 5s).page);
}

TEST_CASE("of several plain listeners the one that is reached over the loopback is asked") {
  CHECK(base_url_of("10.0.0.7:8001, 127.0.0.1:8001") == "http://127.0.0.1:8001");
  CHECK(base_url_of("10.0.0.7:8001, 10.0.0.8:8001, 0.0.0.0:8002") == "http://127.0.0.1:8002");
  CHECK(base_url_of("[fd00::7]:8001, [::]:8001") == "http://[::1]:8001");
  CHECK(base_url_of("gw.example.net:8001, localhost:8001") == "http://localhost:8001");
  CHECK(base_url_of("10.0.0.7:8001, 127.0.0.1:8444 ssl, 10.0.0.8:8001") == "http://10.0.0.7:8001");
  CHECK(base_url_of("127.0.0.2:8001, 127.0.0.1:8001") == "http://127.0.0.2:8001");
}

TEST_CASE("what is no address of the loopback is none of this host's own") {
  for (const auto* local : {"127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "::", "localhost"})
    CHECK(is_local(local));
  for (const auto* other : {"10.0.0.7", "fd00::7", "127.example.net", "", "128.0.0.1"})
    CHECK_FALSE(is_local(other));
}

TEST_CASE("the first plain listener is where an API is asked") {
  CHECK(base_url_of("127.0.0.1:8001 reuseport backlog=16384, 127.0.0.1:8444 http2 ssl") ==
        "http://127.0.0.1:8001");
  CHECK(base_url_of("0.0.0.0:8444 ssl, 0.0.0.0:8001") == "http://127.0.0.1:8001");
  CHECK(base_url_of("[::]:8001") == "http://[::1]:8001");
  CHECK(base_url_of("10.0.0.7:8001") == "http://10.0.0.7:8001");
  CHECK_FALSE(base_url_of("off"));
  CHECK_FALSE(base_url_of("127.0.0.1:8444 ssl"));
  CHECK_FALSE(base_url_of("127.0.0.1:8000 proxy_protocol"));
  CHECK_FALSE(base_url_of(""));
}

}  // namespace kongfleet::agent::test
