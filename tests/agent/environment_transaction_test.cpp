// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// Transactions on a host whose drop-in or environment file is what is managed, not its kong.conf.
#include "agent/durable_file.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"

using namespace kongfleet;
using namespace kongfleet::agent;

namespace fs = std::filesystem;

namespace {

constexpr auto unit = ConfigurationKind::UnitFile;
constexpr auto environment_file = ConfigurationKind::EnvironmentFile;

const std::string drop_in =
    "# ours\n[Service]\nEnvironment=KONG_LUA_PACKAGE_PATH=/opt/?.lua;; KONG_PLUGINS=bundled\n";
const std::string variables = "KONG_PLUGINS=bundled\nKONG_LUA_PACKAGE_PATH=/opt/?.lua;;\n";

struct EnvironmentAgent : AgentFixture {
  explicit EnvironmentAgent(ConfigurationKind kind) {
    config.configure = "environment";
    gateway.facts.managed.path = directory.path() / (kind == unit ? "k.conf" : "env");
    gateway.facts.managed.kind = kind;
    edit_conf(kind == unit ? drop_in : variables);
    restart();
  }
  std::string kong_conf() const { return read_file(config.conf); }
};

/// Kong runs with what was confirmed, and rejects everything else.
void reject_all_but(EnvironmentAgent& agent, const std::string& path) {
  agent.gateway.on_verify = [path](const Expectation& expected) {
    Verdict verdict;
    verdict.ok = expected.lua_package_path == path;
    if (!verdict.ok) verdict.cause = "init_by_lua error";
    return verdict;
  };
}

}  // namespace

TEST_CASE("a release is placed in a drop-in, which systemd reads before Kong reloads") {
  EnvironmentAgent agent(unit);
  const auto kong_conf = agent.kong_conf();
  CHECK(agent.result(agent.apply("1.0.0")) == Result::Trial);
  CHECK(agent.gateway.calls == Calls{"preflight", "make known unit", "reload", "verify"});
  CHECK(agent.named_version() == "1.0.0");
  CHECK(agent.conf().ends_with("/opt/?.lua;; KONG_PLUGINS=bundled,my-plugin\n"));
  CHECK(agent.result(agent.transactions->confirm("t", {})) == Result::Committed);
  CHECK(agent.kong_conf() == kong_conf);
  const auto state = agent.transactions->state();
  CHECK(state.drift.empty());
  CHECK(state.kong_conf == agent.gateway.facts.managed.path.string());
  agent.check_at_rest();
  CHECK(agent.transactions->plan({.releases = {agent.release("1.0.0")}}).unchanged);
}

TEST_CASE("a release is placed in an environment file, and what it was comes back byte by byte") {
  EnvironmentAgent agent(environment_file);
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  CHECK(agent.named_version() == "1.1.0");
  Order order;
  order.transaction = "back";
  const auto reply =
      agent.transactions->apply_at_once(order, agent.transactions->plan_return(0), {});
  CHECK(agent.result(reply) == Result::Committed);
  CHECK(agent.conf() == variables);
  agent.check_at_rest();
}

TEST_CASE("a release that Kong rejects leaves the drop-in as it was, and systemd knows it") {
  EnvironmentAgent agent(unit);
  reject_all_but(agent, "/opt/?.lua;;");
  CHECK(agent.deploy("1.0.0") == Result::RolledBack);
  CHECK(agent.conf() == drop_in);
  CHECK(agent.gateway.calls == Calls{"preflight", "make known unit", "reload", "verify",
                                     "make known unit", "reload", "verify"});
  agent.check_at_rest();
}

TEST_CASE("a drop-in that systemd can't be told of is taken back before Kong is asked") {
  EnvironmentAgent agent(unit);
  agent.gateway.make_known_problem = "systemctl daemon-reload: Access denied";
  const auto reply = agent.apply("1.0.0");
  CHECK(agent.result(reply) == Result::Stranded);
  CHECK(std::get<Outcome>(reply).cause.find("Access denied") != std::string::npos);
  CHECK(agent.conf() == drop_in);
  agent.gateway.make_known_problem.clear();
  CHECK(agent.result(*agent.transactions->rescue(std::nullopt, {})) == Result::RolledBack);
  agent.check_at_rest();
}

TEST_CASE("after a power cut in a trial the drop-in is back, and known, before Kong starts") {
  EnvironmentAgent agent(unit);
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto confirmed = agent.conf();
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  CHECK(agent.named_version() == "1.1.0");
  // At boot nobody knows what will be in force, and Kong does not run: the journal knows enough.
  const auto facts = agent.gateway.facts;
  agent.gateway.facts.running = false;
  agent.gateway.facts.managed.path.clear();
  agent.gateway.calls.clear();
  agent.restart(Witness::BeforeKong);
  CHECK(agent.recovered.result == Result::RolledBack);
  CHECK(agent.gateway.calls == Calls{"make known unit"});
  agent.gateway.facts = facts;
  CHECK(agent.conf() == confirmed);
  agent.restart();  // once Kong runs, the daemon tidies up
  agent.check_at_rest();
}

TEST_CASE("an edit of the environment file during a trial stays, only our part goes back") {
  EnvironmentAgent agent(environment_file);
  REQUIRE(agent.result(agent.apply("1.0.0")) == Result::Trial);
  agent.edit_conf("# a person was here\n" + agent.conf() + "KONG_LOG_LEVEL=debug\n");
  const auto reply = agent.transactions->revert("t", "because", {});
  CHECK(agent.result(reply) == Result::RolledBack);
  CHECK(agent.conf() == "# a person was here\n" + variables + "KONG_LOG_LEVEL=debug\n");
  agent.check_at_rest();
}

TEST_CASE("a host without a file to manage is refused with the reason, and its state tells it") {
  EnvironmentAgent agent(unit);
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto managed = agent.gateway.facts.managed;
  agent.gateway.facts.managed.path.clear();
  agent.gateway.facts.obstacles = {
      {"environment", "", "/u", 3, "KONG_PLUGINS is set here", "move it"}};
  const auto plan = agent.transactions->plan({.releases = {agent.release("1.1.0")}});
  REQUIRE(plan.refusals.size() == 1);
  CHECK(sentence(plan.refusals[0]) == "/u:3: KONG_PLUGINS is set here (move it)");
  CHECK(agent.transactions->state().drift ==
        std::vector<std::string>{"configuration: /u:3: KONG_PLUGINS is set here (move it)"});
  agent.gateway.facts.managed = managed;
  agent.gateway.facts.obstacles.clear();
  agent.check_at_rest();
}

TEST_CASE("an override is refused when the plan is made, and is drift of a managed host") {
  AgentFixture agent;
  agent.gateway.facts.obstacles = {
      {"override", "", "/etc/x.conf", 2, "KONG_PLUGINS=a overrides plugins", "take it out"}};
  auto plan = agent.transactions->plan({.releases = {agent.release("1.0.0")}});
  REQUIRE(plan.refusals.size() == 1);
  CHECK(plan.refusals[0].file == "/etc/x.conf");
  CHECK(agent.transactions->state().drift.empty());  // of a host that was never changed
  agent.gateway.facts.obstacles.front().warning = true;
  CHECK(agent.transactions->plan({.releases = {agent.release("1.0.0")}}).warnings.size() == 1);
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  CHECK(agent.transactions->state().drift.empty());
  agent.gateway.facts.obstacles.front().warning = false;
  CHECK(agent.transactions->state().drift.size() == 1);
}

TEST_CASE("an entry that somebody put before ours is named when it has a module of ours") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto other = agent.directory.path() / "other";
  fs::create_directories(other / "kong/plugins/my-plugin");
  auto text = agent.conf();
  text.replace(text.find("path = ") + 7, 0, other.string() + "/?.lua;");
  agent.edit_conf(text);
  const auto before = agent.transactions->state().drift;
  CHECK(before.front().find("kong.conf:3: should be") != std::string::npos);
  replace_file(other / "kong/plugins/my-plugin/schema.lua", "return {}\n", 0644);
  const auto drift = agent.transactions->state().drift;
  REQUIRE(drift.size() == before.size() + 1);
  CHECK(drift[1] == "configuration: '" + other.string() +
                        "/?.lua' stands before our own entry, and Kong loads '" + other.string() +
                        "/kong/plugins/my-plugin/schema.lua' from there");
}
