// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

Verdict rejected(const Expectation&) {
  Verdict verdict;
  verdict.cause = "init_by_lua error: handler.lua:7: '<eof>' expected";
  return verdict;
}

}  // namespace

TEST_CASE("a release is placed, named, reloaded, verified, and kept once confirmed") {
  AgentFixture agent;
  CHECK(agent.result(agent.apply("1.0.0")) == Result::Trial);
  CHECK(agent.gateway.calls == Calls{"preflight", "reload", "verify"});
  CHECK(agent.named_version() == "1.0.0");
  CHECK(agent.transactions->state().state == "trial");
  CHECK(agent.result(agent.transactions->confirm("t", {})) == Result::Committed);
  const auto state = agent.transactions->state();
  CHECK(state.state == "ready");
  CHECK(state.generation == 1);
  CHECK(state.releases.front().version == "1.0.0");
  CHECK(state.drift.empty());
  CHECK(agent.conf().find("plugins = bundled,my-plugin\n") != std::string::npos);
  CHECK(agent.conf().starts_with("log_level = notice\n"));
  agent.check_at_rest();
}

TEST_CASE("asking again for what runs changes nothing and asks Kong nothing") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.gateway.calls.clear();
  const auto before = fs::last_write_time(agent.config.conf);
  const auto plan = agent.transactions->plan({.releases = {agent.release("1.0.0")}});
  CHECK(plan.unchanged);
  CHECK(plan.conf.empty());
  CHECK(agent.gateway.calls.empty());
  CHECK(fs::last_write_time(agent.config.conf) == before);
}

TEST_CASE("a release that Kong can't load is refused before the live node is touched") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto before = agent.conf();
  agent.gateway.calls.clear();
  agent.gateway.findings = {{"load", "my-plugin", "kong/plugins/my-plugin/handler.lua", 7,
                             "'<eof>' expected near 'local'", "mend the file"}};
  const auto reply = agent.apply("1.1.0");
  CHECK(agent.result(reply) == Result::Refused);
  CHECK(std::get<Outcome>(reply).cause ==
        "my-plugin: kong/plugins/my-plugin/handler.lua:7: '<eof>' expected near 'local' (mend the "
        "file)");
  CHECK(agent.gateway.calls == Calls{"preflight"});
  CHECK(agent.conf() == before);
  CHECK_FALSE(GenerationStore(agent.config.state / "generations").find(2));
  agent.check_at_rest();
}

TEST_CASE("a warning of preflight is told and stops nothing") {
  AgentFixture agent;
  Finding warning;
  warning.code = "stale-copy";
  warning.text = "another copy lies in /usr/local";
  warning.warning = true;
  agent.gateway.findings = {warning};
  const auto reply = agent.apply("1.0.0");
  CHECK(agent.result(reply) == Result::Trial);
  CHECK(std::get<Outcome>(reply).findings.size() == 1);
}

TEST_CASE("the VERSIONs that preflight learns are what must serve") {
  AgentFixture agent;
  agent.gateway.versions = {{"my-plugin", "1.0.0"}};
  std::vector<std::pair<std::string, std::string>> expected;
  agent.gateway.on_verify = [&](const Expectation& expectation) {
    expected = expectation.versions;
    return Verdict{.ok = true};
  };
  CHECK(agent.result(agent.apply("1.0.0")) == Result::Trial);
  CHECK(expected == agent.gateway.versions);
}

TEST_CASE("what overrides kong.conf refuses the deploy") {
  AgentFixture agent;
  agent.gateway.overriding = {
      {"override", "", "kong.service", 0, "KONG_PLUGINS is set", "remove it"}};
  CHECK(agent.result(agent.apply("1.0.0")) == Result::Refused);
  CHECK(agent.named_version().empty());
}

TEST_CASE(
    "a rejected reload is taken back and the good configuration is reloaded and proven again") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.gateway.calls.clear();
  int verified = 0;
  agent.gateway.on_verify = [&](const Expectation& expected) {
    Verdict good;
    good.ok = true;
    return ++verified == 1 ? rejected(expected) : good;
  };
  const auto reply = agent.apply("1.1.0");
  CHECK(agent.result(reply) == Result::RolledBack);
  CHECK(std::get<Outcome>(reply).cause == "init_by_lua error: handler.lua:7: '<eof>' expected");
  CHECK(agent.gateway.calls == Calls{"preflight", "reload", "verify", "reload", "verify"});
  CHECK(agent.named_version() == "1.0.0");
  agent.check_at_rest();
}

TEST_CASE("a reload that can't even be asked for is taken back") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.gateway.calls.clear();
  agent.gateway.reload_problem = "nginx: configuration file test failed";
  agent.gateway.on_reload = [&] {  // preflight, reload; the second reload is the way back's
    if (agent.gateway.calls.size() > 2) agent.gateway.reload_problem.clear();
  };
  CHECK(agent.result(agent.apply("1.1.0")) == Result::RolledBack);
  CHECK(agent.named_version() == "1.0.0");
  agent.check_at_rest();
}

TEST_CASE("a failing probe takes the release back") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  ProbeSpec probe;
  probe.name = "echo";
  agent.config.probes = {probe};
  agent.gateway.on_probe = [](const ProbeSpec&) { return false; };
  const auto reply = agent.apply("1.1.0");
  CHECK(agent.result(reply) == Result::RolledBack);
  CHECK(std::get<Outcome>(reply).cause == "probe 'echo': status 500");
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a way back that fails strands the host, and rescue brings it home once Kong is well") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.gateway.on_verify = rejected;
  CHECK(agent.result(agent.apply("1.1.0")) == Result::Stranded);
  CHECK(agent.named_version() == "1.0.0");  // the file is good all the same
  const auto state = agent.transactions->state();
  CHECK(state.state == "stranded");
  CHECK(state.advice.find("kongfleet-agent rollback") != std::string::npos);
  CHECK(std::get<Refusal>(agent.apply("1.2.0", "other")).code == "stranded");
  agent.gateway.on_verify = nullptr;
  CHECK(agent.result(*agent.transactions->rescue(std::nullopt, {})) == Result::RolledBack);
  agent.check_at_rest();
}

TEST_CASE("a trial that nobody confirms is undone when its lease runs out") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.result(agent.apply("1.1.0", "t", 100ms)) == Result::Trial);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (agent.transactions->state().state != "ready" &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(5ms);
  }
  CHECK(agent.named_version() == "1.0.0");
  const auto reply = agent.transactions->confirm("t", {});
  CHECK(agent.result(reply) == Result::RolledBack);
  CHECK(std::get<Outcome>(reply).cause == "nobody confirmed the trial within its time");
  agent.check_at_rest();
}

TEST_CASE("a renewed trial lives on") {
  AgentFixture agent;
  REQUIRE(agent.result(agent.apply("1.0.0", "t", 300ms)) == Result::Trial);
  CHECK(agent.result(agent.transactions->renew("t", 10min)) == Result::Trial);
  CHECK(agent.transactions->state().open->lease_left > 500s);
}

TEST_CASE("a trial that turns sick is undone at its confirmation") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  agent.gateway.still_cause = "worker 12 serves the configuration of before";
  const auto reply = agent.transactions->confirm("t", {});
  CHECK(agent.result(reply) == Result::RolledBack);
  CHECK(std::get<Outcome>(reply).cause == "worker 12 serves the configuration of before");
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a message that comes twice is answered from what is known") {
  AgentFixture agent;
  REQUIRE(agent.result(agent.apply("1.0.0", "t")) == Result::Trial);
  const auto calls = agent.gateway.calls;
  CHECK(agent.result(agent.apply("1.0.0", "t")) == Result::Trial);
  CHECK(agent.gateway.calls == calls);
  CHECK(agent.result(agent.transactions->confirm("t", {})) == Result::Committed);
  CHECK(agent.result(agent.transactions->confirm("t", {})) == Result::Committed);
  agent.restart();
  CHECK(agent.result(agent.transactions->confirm("t", {})) == Result::Committed);
}

TEST_CASE("a second controller is told who holds the host") {
  AgentFixture agent;
  REQUIRE(agent.result(agent.apply("1.0.0", "first")) == Result::Trial);
  const auto reply = agent.apply("1.1.0", "second");
  const auto& refusal = std::get<Refusal>(reply);
  CHECK(refusal.code == "busy");
  CHECK(refusal.text.find("'first' of the test") != std::string::npos);
  CHECK(refusal.holder->id == "first");
  CHECK(std::get<Refusal>(agent.transactions->confirm("second", {})).code == "no-transaction");
}

TEST_CASE("a plan for a host that changed since is refused") {
  AgentFixture agent;
  auto plan = agent.transactions->plan({});
  const auto stale = agent.transactions->plan({.releases = {agent.release("1.0.0")}});
  agent.edit_conf(agent.conf() + "# a person was here\n");
  Order order;
  order.transaction = "t";
  const auto reply = agent.transactions->apply(order, stale, nullptr, 1min, {});
  CHECK(std::get<Refusal>(reply).code == "changed");
}

TEST_CASE("an edit of kong.conf during the transaction is kept") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  int verified = 0;
  agent.gateway.on_verify = [&](const Expectation& expected) {
    Verdict good;
    good.ok = true;
    if (++verified > 1) return good;
    agent.edit_conf("# a person was here\n" + agent.conf());
    return rejected(expected);
  };
  CHECK(agent.result(agent.apply("1.1.0")) == Result::RolledBack);
  CHECK(agent.conf().starts_with("# a person was here\n"));
  CHECK(agent.named_version() == "1.0.0");
  agent.check_at_rest();
}

TEST_CASE("an agent that dies in any step comes back to the confirmed generation") {
  for (const auto step :
       {Step::Stage, Step::Preflight, Step::Switch, Step::Reload, Step::Verify, Step::Trial,
        Step::Commit, Step::Restore, Step::ReloadBack, Step::VerifyBack}) {
    AgentFixture agent;
    REQUIRE(agent.deploy("1.0.0") == Result::Committed);
    REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
    REQUIRE(agent.named_version() == "1.1.0");
    agent.transactions.reset();
    {
      Journal journal(agent.config.state / "journal");
      auto record = journal.record();
      record.open->step = step;
      journal.write(record);
    }
    const bool reached_conf = step != Step::Stage && step != Step::Preflight;
    if (!reached_conf) continue;  // kong.conf is switched after them: that journal can't be
    agent.restart();
    INFO(step_name(step));
    CHECK(agent.recovered.result == Result::RolledBack);
    CHECK(agent.named_version() == "1.0.0");
    agent.check_at_rest();
  }
}

TEST_CASE("recovery before Kong runs restores the file and starts nothing") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  REQUIRE(agent.result(agent.apply("1.1.0")) == Result::Trial);
  agent.gateway.calls.clear();
  agent.gateway.facts.running = false;
  agent.restart(Witness::BeforeKong);
  CHECK(agent.recovered.result == Result::RolledBack);
  CHECK(agent.gateway.calls.empty());
  CHECK(agent.named_version() == "1.0.0");
  agent.restart();  // the daemon comes once Kong is up
  CHECK(agent.recovered.result == Result::Unchanged);
  agent.check_at_rest();
}

TEST_CASE("an operator goes back generation by generation, down to the state before kongfleet") {
  AgentFixture agent("# mine\nlog_level = notice\n");
  for (const char* version : {"1.0.0", "1.1.0", "1.2.0"})
    REQUIRE(agent.deploy(version) == Result::Committed);
  const auto back = [&] {
    Order order;
    order.transaction = "back-" + agent.named_version();
    return agent.result(agent.transactions->apply_at_once(
        order, agent.transactions->plan_return(std::nullopt), {}));
  };
  CHECK(back() == Result::Committed);
  CHECK(agent.named_version() == "1.1.0");
  CHECK(back() == Result::Committed);
  CHECK(agent.named_version() == "1.0.0");
  CHECK(back() == Result::Committed);
  CHECK(agent.named_version().empty());
  // A deleted key would keep its old value in .kong_env: both are explicit, at Kong's defaults.
  CHECK(
      agent.conf() ==
      "# mine\nlog_level = notice\nlua_package_path = ./?.lua;./?/init.lua;\nplugins = bundled\n");
  CHECK_THROWS_WITH(agent.transactions->plan_return(std::nullopt),
                    Catch::Contains("no generation before"));
  agent.check_at_rest();
}

TEST_CASE("drift of files and of kong.conf is noticed, and a deploy of the same mends it") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.edit_conf("log_level = notice\nplugins = bundled\n");
  auto drift = agent.transactions->state().drift;
  REQUIRE(drift.size() >= 1);
  CHECK(drift[0].find("configuration: ") == 0);
  CHECK(agent.deploy("1.0.0") == Result::Committed);
  CHECK(agent.transactions->state().drift.empty());
  const GenerationStore store(agent.config.state / "generations");
  const auto id = *store.find(agent.transactions->state().generation);
  std::ofstream(store.directory(id) / "kong/plugins/my-plugin/handler.lua") << "tampered";
  drift = agent.transactions->state().drift;
  REQUIRE(drift.size() == 1);
  CHECK(drift[0].find("handler.lua' was changed or is gone") != std::string::npos);
  CHECK(agent.deploy("1.0.0") == Result::Committed);
  CHECK(agent.transactions->state().drift.empty());
}

TEST_CASE("generations beyond those kept go, unless an old worker still drains") {
  AgentFixture agent;
  agent.config.keep = 2;
  for (const char* version : {"1", "2", "3", "4"})
    REQUIRE(agent.deploy(version) == Result::Committed);
  CHECK(agent.transactions->state().generations == std::vector<std::uint64_t>{4, 3});
  agent.gateway.drains = true;
  REQUIRE(agent.deploy("5") == Result::Committed);
  CHECK(agent.transactions->state().generations == std::vector<std::uint64_t>{5, 4, 3});
  agent.gateway.drains = false;
  CHECK(agent.transactions->collect() == std::vector<std::uint64_t>{3});
}

TEST_CASE(
    "a host whose Kong doesn't run, whose kong.conf can't be edited or whose disk is full refuses "
    "in the plan") {
  AgentFixture agent;
  agent.gateway.facts.running = false;
  CHECK(agent.transactions->plan({.releases = {agent.release("1.0.0")}}).refusals.front().code ==
        "not-running");
  agent.gateway.facts.running = true;
  agent.edit_conf("[section]\nplugins = bundled\n");
  const auto conf = agent.transactions->plan({.releases = {agent.release("1.0.0")}}).refusals;
  REQUIRE(conf.size() == 1);
  CHECK(conf.front().code == "conf");
  CHECK(conf.front().line == 1);
  agent.edit_conf("plugins = bundled\n");
  agent.config.reserve = std::uint64_t{1} << 60;
  CHECK(agent.transactions->plan({.releases = {agent.release("1.0.0")}}).refusals.front().code ==
        "space");
}

TEST_CASE("where others could replace the generations none is placed, and the way back stays") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  fs::permissions(agent.config.state, fs::perms(0777));
  const auto refusals = agent.transactions->plan({.releases = {agent.release("1.1.0")}}).refusals;
  REQUIRE(refusals.size() == 1);
  CHECK(refusals.front().code == "place");
  CHECK(refusals.front().text.find("can be written by everybody") != std::string::npos);
}

TEST_CASE("content that is not what the manifest says is never placed") {
  AgentFixture agent;
  auto plan = agent.transactions->plan({.releases = {agent.release("1.0.0")}});
  const auto incoming = agent.transactions->receive("test");
  for (const auto& file : plan.missing) {
    std::ofstream(incoming->file(file.digest)) << std::string(file.size, 'x');
  }
  Order order;
  order.transaction = "t";
  const auto reply = agent.transactions->apply(order, std::move(plan), incoming.get(), 1min, {});
  CHECK(agent.result(reply) == Result::Refused);
  CHECK(std::get<Outcome>(reply).cause.find("is not what the manifest says") != std::string::npos);
  CHECK(agent.named_version().empty());
  CHECK(GenerationStore(agent.config.state / "generations").list().empty());
}

TEST_CASE("settings that anybody may write let nothing new in, and hold up no way back") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.config.who_may_write = "'/etc/kongfleet/agent.toml' can be written by everybody";
  const auto plan = agent.transactions->plan({.releases = {agent.release("1.1.0")}});
  REQUIRE(plan.refusals.size() == 1);
  CHECK(plan.refusals[0].code == "place");
  CHECK(agent.transactions->plan_return(0).refusals.empty());
}
