// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// An Admin API that does not answer the agent: what a plan makes of it, and a check-up.
#include "agent/checkup.hpp"
#include "tests/agent/agent_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace kongfleet::agent::test {
namespace {

/// A Kong whose APIs are right.
CheckupFacts answering() {
  CheckupFacts facts;
  facts.node.version = "3.4.2";
  facts.node.conf = "/etc/kong/kong.conf";
  facts.node.running = true;
  facts.node.admin = "http://127.0.0.1:8001";
  facts.node.admin_look.kind = AdminLook::Kind::Answers;
  facts.node.status = "http://127.0.0.1:8007";
  facts.details.status_answers = true;
  return facts;
}

Check check_of(const CheckupFacts& facts, const std::string& name) {
  const auto checks = judge(facts);
  const auto found = std::find_if(checks.begin(), checks.end(),
                                  [&](const Check& check) { return check.name == name; });
  REQUIRE(found != checks.end());
  return *found;
}

}  // namespace

TEST_CASE(
    "where nothing could be proven as the Admin API's address is closed to us, no way begins") {
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto refused = [&] {
    const auto plan = agent.transactions->plan({.releases = {agent.release("2.0.0")}});
    return plan.refusals.empty() ? std::string() : sentence(plan.refusals.front());
  };
  auto& facts = agent.gateway.facts;
  facts.admin = "http://10.0.0.5:8001";
  facts.admin_outer = "10.0.0.5";
  facts.admin_look.kind = AdminLook::Kind::Answers;
  CHECK(refused().empty());
  facts.admin_look = {AdminLook::Kind::Silent, "no answer in time"};
  CHECK(refused() ==
        "the Admin API, http://10.0.0.5:8001, does not answer the agent, so nothing could be "
        "proven: no answer in time (open its address with IPAddressAllow=10.0.0.5 in a drop-in for "
        "kongfleet-agent.service, for which 'kongfleet check --hosts' has the command, or give "
        "admin_listen a listener of the loopback, such as 127.0.0.1:8001)");
  CHECK(agent.transactions->plan_return(0).refusals.empty());
  CHECK(agent.transactions->plan({.releases = {agent.release("1.0.0")}}).refusals.empty());
  facts.admin_outer.clear();  // the loopback: what comes may be the cure
  CHECK(refused().empty());
}

TEST_CASE("an Admin API that does not answer is told, at an outer address with what opens it") {
  const std::string opened =
      "mkdir -p /etc/systemd/system/kongfleet-agent.service.d && printf "
      "'[Service]\\nIPAddressAllow=10.0.0.5\\n' "
      ">>/etc/systemd/system/kongfleet-agent.service.d/zz-kongfleet.conf && systemctl "
      "daemon-reload && systemctl try-restart kongfleet-agent.service";
  auto facts = answering();
  facts.node.admin_look = {AdminLook::Kind::Silent, "no answer in time"};
  const auto local = check_of(facts, "admin-api");
  CHECK(local.verdict == CheckVerdict::Wrong);
  CHECK(local.text == "the Admin API, http://127.0.0.1:8001, does not answer: no answer in time");
  CHECK(local.remedy.kind == RemedyKind::Edit);
  facts.node.admin = "http://10.0.0.5:8001";
  facts.node.admin_outer = "10.0.0.5";
  CHECK(check_of(facts, "admin-api").remedy.text == opened);
  for (const auto* name : {"kong-admin", "fe80::1%eth0", "abc.de"}) {
    facts.node.admin_outer = name;
    CHECK(check_of(facts, "admin-api").remedy.kind == RemedyKind::Edit);
  }
  facts = answering();
  facts.node.status_outer = "10.0.0.5";
  CHECK(check_of(facts, "status-api").verdict == CheckVerdict::Right);
  facts.details.status_answers = false;
  CHECK(check_of(facts, "status-api").remedy.text == opened);
  facts.node.status_outer = "fd00::5";
  CHECK_THAT(check_of(facts, "status-api").remedy.text,
             Catch::Contains("IPAddressAllow=fd00::5\\n"));
}

TEST_CASE("an Admin API that is another's, or not for the agent, is told; none is none missing") {
  auto facts = answering();
  facts.node.admin_look = {AdminLook::Kind::Wrong, "the Admin API at x answers 500"};
  CHECK(check_of(facts, "admin-api").verdict == CheckVerdict::Wrong);
  facts.node.admin_look = {AdminLook::Kind::Forbids, "the Admin API at x answers 403"};
  const auto forbidden = check_of(facts, "admin-api");
  CHECK(forbidden.verdict == CheckVerdict::Warning);
  CHECK(forbidden.text == "the Admin API at x answers 403");
  facts.node.admin_look = {};
  CHECK(check_of(facts, "admin-api").text == "the Admin API is http://127.0.0.1:8001");
  facts.node.admin.clear();
  CHECK(check_of(facts, "admin-api").text == "Kong has no Admin API that the agent could ask");
}

}  // namespace kongfleet::agent::test
