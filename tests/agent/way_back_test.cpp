// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// The way back on hosts that changed under it, and what is kept so that it needs nothing.
#include "agent/durable_file.hpp"
#include "agent/live_file.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include "agent_fixture.hpp"
#include <atomic>
#include <fstream>
#include <thread>

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

Result go_back(AgentFixture& agent, std::optional<std::uint64_t> to = std::nullopt) {
  Order order;
  order.transaction = "back from " + agent.named_version();
  order.probes_decide = false;
  return agent.result(
      agent.transactions->apply_at_once(order, agent.transactions->plan_return(to), {}));
}

ino_t inode(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_ino;
}

void tamper(const AgentFixture& agent, std::uint64_t generation) {
  const GenerationStore store(agent.config.state / "generations");
  std::ofstream(store.directory(*store.find(generation)) / "kong/plugins/my-plugin/handler.lua")
      << "tampered";
}

}  // namespace

TEST_CASE("an operator's rollback uses the very file that was put there before the change") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto before = agent.conf();
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  const auto kept = agent.directory.path() / ".kong.conf.kongfleet-restore";
  CHECK(read_file(kept) == before);
  const auto file = inode(kept);
  CHECK(go_back(agent) == Result::Committed);
  CHECK(inode(agent.config.conf) == file);
  CHECK(agent.conf() == before);
  CHECK(agent.named_version() == "1.0.0");
  CHECK(go_back(agent) == Result::Committed);
  CHECK(agent.named_version().empty());
  agent.check_at_rest();
}

TEST_CASE("a rollback that fails comes back by the file it took out") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  const auto live = inode(agent.config.conf);
  agent.gateway.reject_once("init_by_lua error");
  CHECK(go_back(agent) == Result::RolledBack);
  CHECK(inode(agent.config.conf) == live);
  CHECK(agent.named_version() == "1.1.0");
  agent.check_at_rest();
}

TEST_CASE("an agent that dies in an operator's rollback comes back to where it was") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  Order order;
  order.transaction = "back";
  const auto plan = agent.transactions->plan_return(std::nullopt);
  REQUIRE(agent.result(agent.transactions->apply(order, plan, nullptr, 1min, {})) == Result::Trial);
  REQUIRE(agent.named_version() == "1.0.0");
  agent.restart();
  CHECK(agent.recovered.result == Result::RolledBack);
  CHECK(agent.named_version() == "1.1.0");
  agent.check_at_rest();
}

TEST_CASE("what a person wrote into kong.conf since is in the way back that is kept") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  agent.edit_conf(agent.conf() + "# a person was here\n");
  CHECK(go_back(agent) == Result::Committed);
  CHECK(agent.named_version() == "1.0.0");
  CHECK(agent.conf().ends_with("# a person was here\n"));
  agent.restart();
  agent.check_at_rest();
}

TEST_CASE("an edit that an exchange took out, and whose agent died then, is brought back") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  const auto taken_out = agent.directory.path() / ".kong.conf.kongfleet-new";
  const auto edited = "# a person was here\n" + read_file(taken_out);
  std::ofstream(taken_out, std::ios::trunc) << edited;
  agent.restart();
  CHECK(agent.recovered.result == Result::RolledBack);
  CHECK(agent.conf().starts_with("# a person was here\n"));
  CHECK(agent.named_version() == "1.0.0");
  agent.check_at_rest();
}

TEST_CASE("a way back whose file somebody removed is written anew") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  for (const char* suffix : {"new", "restore"})
    fs::remove(agent.directory.path() / (std::string(".kong.conf.kongfleet-") + suffix));
  CHECK(agent.result(agent.transactions->revert("t", "", {})) == Result::RolledBack);
  CHECK(agent.named_version() == "1.0.0");
  agent.check_at_rest();
}

TEST_CASE(
    "a generation that was tampered with is noticed by the way back, and mended by a deploy") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  tamper(agent, 1);
  const auto reply = agent.transactions->revert("t", "the wave failed", {});
  CHECK(agent.result(reply) == Result::RolledBack);
  const auto& cause = std::get<Outcome>(reply).cause;
  CHECK(cause.starts_with("the wave failed; generation 1, which it goes back to"));
  CHECK(cause.find("handler.lua' was changed or is gone") != std::string::npos);
  CHECK(agent.transactions->state().drift.size() == 1);
  CHECK(agent.deploy("1.0.0") == Result::Committed);
  CHECK(agent.transactions->state().drift.empty());
  agent.check_at_rest();
}

TEST_CASE("a rollback to a generation that was tampered with is refused in the plan") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  tamper(agent, 1);
  const auto plan = agent.transactions->plan_return(std::nullopt);
  REQUIRE(plan.refusals.size() == 1);
  CHECK(plan.refusals.front().code == "damaged");
}

TEST_CASE("an agent that is told to stop takes back its trial, for nobody else would") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.transactions->retire();
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  agent.transactions->retire();
  CHECK(agent.named_version() == "1.0.0");
  agent.check_at_rest();
}

TEST_CASE("a baseline is what kong.conf said when it was left last, not at some refused attempt") {
  AgentFixture agent;
  agent.gateway.findings = {{"load", "my-plugin", "", 0, "no", "mend it"}};
  REQUIRE(agent.result(agent.apply("1.0.0")) == Result::Refused);
  agent.gateway.findings.clear();
  agent.edit_conf("plugins = bundled,my-plugin\n");  // installed by hand since
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  CHECK(go_back(agent, 0) == Result::Committed);
  CHECK(agent.conf().starts_with("plugins = bundled,my-plugin\n"));
}

TEST_CASE("a way back that failed is tried again by itself") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.transactions.reset();
  agent.transactions = std::make_unique<Transactions>(agent.config, agent.gateway, 100ms);
  agent.transactions->recover(Witness::AfterDeath);
  std::atomic<bool> away = true;
  agent.gateway.on_verify = [&](const Expectation&) {
    Verdict verdict;
    verdict.ok = !away;
    verdict.cause = "the database is away";
    return verdict;
  };
  CHECK(agent.result(agent.apply("1.1.0")) == Result::Stranded);
  away = false;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (agent.transactions->state().state != "ready" &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(5ms);
  }
  CHECK(agent.named_version() == "1.0.0");
  agent.check_at_rest();
}

TEST_CASE("a stranded host has another way out: a generation that was confirmed, by number") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  agent.gateway.on_verify = [&](const Expectation& expected) {
    Verdict verdict;
    verdict.ok = expected.lua_package_path.find("000001-") != std::string::npos;
    verdict.cause = "generation 2 does not load any more";
    return verdict;
  };
  REQUIRE(agent.result(agent.apply("1.2.0")) == Result::Stranded);
  CHECK_FALSE(agent.transactions->rescue(1, {}));
  const auto way_out = [&](std::uint64_t to) {
    Order order;
    order.transaction = "out to " + std::to_string(to);
    order.leaves_stranded = true;
    return agent.result(
        agent.transactions->apply_at_once(order, agent.transactions->plan_return(to), {}));
  };
  agent.gateway.overriding = {{"override", "", "kong.service", 0, "KONG_PLUGINS is set", "mend"}};
  CHECK(way_out(0) == Result::Refused);
  CHECK(agent.transactions->state().state == "stranded");
  agent.gateway.overriding.clear();
  CHECK(way_out(1) == Result::Committed);
  CHECK(agent.named_version() == "1.0.0");
  agent.check_at_rest();
}

TEST_CASE("where Kong is down an operator's rollback is what it starts with") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  agent.gateway.facts.running = false;
  agent.gateway.calls.clear();
  CHECK(go_back(agent) == Result::Committed);
  CHECK(agent.gateway.calls == Calls{"preflight"});
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a Kong that was just being started when a rollback looked is made to read it") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  agent.gateway.calls.clear();
  agent.gateway.looks_until_running = 4;
  CHECK(go_back(agent) == Result::Committed);
  CHECK(agent.gateway.looks_until_running == 0);
  CHECK(agent.gateway.calls == Calls{"preflight", "reload", "verify"});
}

TEST_CASE("a generation that was never confirmed here is nowhere to go back to") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  REQUIRE(agent.result(agent.transactions->revert("t", "", {})) == Result::RolledBack);
  const auto plan = agent.transactions->plan_return(2);
  REQUIRE(plan.refusals.size() == 1);
  CHECK(plan.refusals.front().code == "unconfirmed");
}

TEST_CASE("a rollback that was a mistake is taken back by another one") {
  AgentFixture agent;
  for (const auto* version : {"1.0.0", "1.1.0", "1.2.0"})
    REQUIRE(agent.deploy(version) == Result::Committed);
  REQUIRE(go_back(agent, 1) == Result::Committed);
  agent.transactions->collect();
  agent.restart();
  for (const auto& [number, version] : {std::pair{3U, "1.2.0"}, std::pair{2U, "1.1.0"}}) {
    const auto plan = agent.transactions->plan_return(number);
    REQUIRE(plan.refusals.empty());
    CHECK(go_back(agent, number) == Result::Committed);
    CHECK(agent.named_version() == version);
  }
  agent.edit_conf("log_level = notice\nplugins = bundled\n");  // drift, mended by going where it is
  CHECK(go_back(agent, 2) == Result::Committed);
  CHECK(agent.named_version() == "1.1.0");
  CHECK(go_back(agent) == Result::Committed);  // to where it was before
  CHECK(agent.named_version() == "1.2.0");
  agent.check_at_rest();
}

TEST_CASE("a host that lost its journal takes the generation that kong.conf names for confirmed") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  agent.transactions.reset();
  fs::remove(agent.config.state / "journal");
  agent.restart();
  CHECK(agent.transactions->state().generation == 2);
  CHECK(agent.transactions->state().drift.empty());
  CHECK(agent.deploy("1.0.0") == Result::Committed);
  CHECK(agent.transactions->state().generation == 3);
}

TEST_CASE("a confirmed generation whose manifests are lost is mended by a deploy") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto before = agent.conf();
  const GenerationStore store(agent.config.state / "generations");
  fs::remove_all(store.directory(*store.find(1)) / ".kongfleet");
  agent.gateway.reject_once("init_by_lua error");
  CHECK(agent.result(agent.apply("1.1.0", "bad")) == Result::RolledBack);
  CHECK(agent.conf() == before);
  CHECK(agent.deploy("1.2.0") == Result::Committed);
  CHECK(agent.transactions->state().drift.empty());
}

TEST_CASE("who restarts Kong or edits kong.conf in a trial does not make a release bad") {
  for (const bool edits : {true, false}) {
    AgentFixture agent;
    REQUIRE(agent.deploy("1.0.0") == Result::Committed);
    const auto before = agent.conf();
    REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
    if (edits) agent.edit_conf(before);
    agent.gateway.master.pid = 7;
    agent.gateway.still_cause = "Kong was restarted meanwhile";
    CHECK(agent.result(agent.transactions->confirm("t", {})) == Result::RolledBack);
    CHECK(agent.transactions->plan({.releases = {agent.release("1.1.0")}}).poison.empty());
  }
}
