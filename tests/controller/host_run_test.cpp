// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_run.hpp"

#include "controller/plugin_tree.hpp"

#include <catch2/catch.hpp>

#include "agents_fixture.hpp"

namespace kongfleet::controller {

TEST_CASE("a host is greeted and asked for its plan in one flight") {
  AgentsFixture agents(2);
  agents.run("plan").plan_all();
  CHECK(agents.told == std::vector<std::vector<std::string>>(2, {"propose"}));
  CHECK(agents.flights == std::vector<int>{1, 1});
}

TEST_CASE("a conversation that another one came after is begun anew, and asks again") {
  AgentsFixture agents(1);
  agents.refuses = [&](std::size_t, const wire::ToAgent&) {
    return agents.told[0].size() == 1 ? "superseded" : "";
  };
  auto& run = agents.run("resume");
  run.ask_again({true}, [] {});
  CHECK(run.hosts()[0]->answer == HostAnswer::Trial);
  CHECK(agents.told[0] == std::vector<std::string>{"renew", "renew"});
}

TEST_CASE(
    "a host that forgot our transaction, and runs what it was to get, was confirmed unheard") {
  struct Case {
    const char* what;
    std::function<void(wire::HostState&)> spoil;
    HostAnswer answer;
  };
  const std::vector<Case> cases = {
      {"as it was left", [](wire::HostState&) {}, HostAnswer::Kept},
      {"another release",
       [](wire::HostState& state) { state.mutable_releases(0)->set_digest("b"); },
       HostAnswer::Unknown},
      {"drifted", [](wire::HostState& state) { state.add_drift("edited"); }, HostAnswer::Unknown},
      {"changing", [](wire::HostState& state) { state.set_state("changing"); },
       HostAnswer::Unknown},
  };
  for (const auto& each : cases) {
    INFO(each.what);
    AgentsFixture agents(1);
    PluginTree tree;
    tree.files.push_back({"kong/plugins/my-plugin/handler.lua", 0644, "return {}\n"});
    tree.files.push_back({"kong/plugins/my-plugin/schema.lua", 0644, "return {}\n"});
    agents.releases().push_back(
        make_release(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"), std::move(tree)));
    agents.fleet().hosts[0].plugins = {"my-plugin"};
    const auto brought = agents.releases()[0].manifest.digest().hex();
    agents.refuses = [](std::size_t, const wire::ToAgent&) { return "no-transaction"; };
    agents.greets = [&](std::size_t, wire::HostState& state) {
      state.set_state("ready");
      auto& release = *state.add_releases();
      release.set_name("my-plugin");
      release.set_digest(brought);
      each.spoil(state);
    };
    auto& run = agents.run("resume");
    run.ask_again({true}, [] {});
    CHECK(run.hosts()[0]->answer == each.answer);
  }
}

}  // namespace kongfleet::controller
