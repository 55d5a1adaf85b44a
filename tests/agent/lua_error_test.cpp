// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/lua_error.hpp"

#include "tests/agent/agent_fixture.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {
namespace {

const std::string generation = "000006-fc546c863e6e";
const std::string head = "2026/11/24 17:31:14 [error] 343#343: *5612 ";
const std::string client = ", client: 127.0.0.1, server: kong, request: \"GET /x.lua:1: HTTP/1.1\"";

std::string found(const std::string& line) {
  const AgentFixture agent;
  return lua_error_of(line + "\n", generation, {agent.release("1.0.0")});
}

}  // namespace

TEST_CASE("Kong's error of a file of the generation is found, without the request") {
  CHECK(found(head +
              "failed to run header_filter_by_lua*: ...s/000006-fc546c863e6e/kong/plugins/"
              "my-plugin/handler.lua:4: attempt to index field 'x' (a nil value)" +
              client) ==
        "kong/plugins/my-plugin/handler.lua:4: attempt to index field 'x' (a nil value)");
  CHECK(found(head +
              "[kong] init.lua:312 [my-plugin] /var/lib/kongfleet/generations/"
              "000006-fc546c863e6e/kong/plugins/my-plugin/access.lua:7: no" +
              client) == "kong/plugins/my-plugin/access.lua:7: no");
}

TEST_CASE("a path that Lua cut is one of the release's files, or nobody's") {
  CHECK(found(head + "lua entry thread aborted: ...plugins/my-plugin/handler.lua:9: no") ==
        "kong/plugins/my-plugin/handler.lua:9: no");
  CHECK(found(head + "...plugins/other/handler.lua:9: no") == "");
}

TEST_CASE("what is no error, of no file of ours or of no line is nobody's") {
  const std::string ours = generation + "/kong/plugins/my-plugin/handler.lua";
  CHECK(found("2026/11/24 17:31:14 [notice] 1#1: " + ours + ":4: told") == "");
  CHECK(found(head + "000005-fc546c863e6e/kong/plugins/my-plugin/handler.lua:4: old") == "");
  CHECK(found(head + ours + ":x: no line") == "");
  CHECK(found(head + ours + ":4") == "");
  CHECK(found(head + "upstream timed out" + client) == "");
  CHECK(found("") == "");
}

TEST_CASE("a probe that fails in the plugin's code says so in Kong's words first") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.gateway.on_probe = [](const ProbeSpec&) { return false; };
  ProbeSpec probe;
  probe.name = "echo";
  agent.config.probes = {probe};
  const auto id = generation_digest({agent.release("1.1.0")}).brief(12);
  agent.gateway.error_log =
      head + "...s/000002-" + id + "/kong/plugins/my-plugin/handler.lua:4: attempt to call nil\n";
  const auto reply = agent.apply("1.1.0", "bad");
  const auto& outcome = std::get<Outcome>(reply);
  CHECK(outcome.result == Result::RolledBack);
  CHECK(outcome.cause ==
        "kong/plugins/my-plugin/handler.lua:4: attempt to call nil; probe 'echo': status 500");
  CHECK(outcome.error_log == agent.gateway.error_log);
}

}  // namespace kongfleet::agent::test
