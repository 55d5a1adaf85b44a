// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// Signatures on the way from a plan to what is confirmed.
#include "agent/accepted_releases.hpp"
#include "agent/durable_file.hpp"
#include "agent/generation_store.hpp"
#include "agent/trust.hpp"

#include <catch2/catch.hpp>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "captured_log.hpp"
#include "system_call_fixture.hpp"
#include "text.hpp"
#include "trust_fixture.hpp"

namespace kongfleet::agent {

using test::holds;

TEST_CASE("an agent that requires signatures stages nothing without, and goes back all the same") {
  Signers keys;
  AgentFixture agent;
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  agent.config.signatures = "required";
  agent.config.fleet = "edge";
  agent.config.allowed_signers = keys.config.allowed_signers;
  const auto plan = agent.transactions->plan({.releases = {agent.release("1.1.0")}});
  REQUIRE_FALSE(plan.refusals.empty());
  CHECK(plan.refusals.front().code == "trust");
  CHECK(agent.transactions->plan({.releases = {agent.release("1.0.0")}}).unchanged);
  CHECK(agent.transactions->plan({}).refusals.empty());        // what goes needs no signature
  agent.edit_conf("log_level = notice\nplugins = bundled\n");  // drift: what it runs may be mended
  const auto mended = agent.transactions->plan({.releases = {agent.release("1.0.0")}});
  CHECK_FALSE(mended.unchanged);
  CHECK(mended.refusals.empty());
  CHECK(agent.transactions->plan_return(0).refusals.empty());
}

namespace {

/// An agent that wants signatures, and my-plugin@1.0.0 signed for it.
struct SignedFixture {
  SignedFixture() {
    agent.config.signatures = "required";
    agent.config.fleet = "edge";
    agent.config.allowed_signers = keys.config.allowed_signers;
  }
  Proposal at(std::uint64_t serial) const {
    const auto plain = agent.release("1.0.0");
    const ReleaseTerms terms{.fleet = "edge", .serial = serial, .expires = 4'000'000'000};
    const auto release = Manifest::build(plain.name(), plain.version(), plain.files(), terms);
    return {{release}, {keys.sign(release, "ci")}};
  }
  Transactions::Reply apply(
      HostPlan plan, const std::function<void()>& meanwhile = [] {},
      const std::string& transaction = "t") {
    const auto incoming = agent.transactions->receive(transaction);
    for (const auto& file : plan.missing)
      replace_file(incoming->file(file.digest), agent.content_of(file), 0600);
    meanwhile();
    return agent.transactions->apply({.transaction = transaction}, std::move(plan), incoming.get(),
                                     std::chrono::minutes(10), {});
  }
  /// It runs here, confirmed.
  void commit_at(std::uint64_t serial) {
    REQUIRE(agent.result(apply(agent.transactions->plan(at(serial)))) == Result::Trial);
    REQUIRE(agent.result(agent.transactions->confirm("t", {})) == Result::Committed);
  }
  Signers keys;
  AgentFixture agent;
};

}  // namespace

TEST_CASE("a key that is taken away after the plan was made counts at its apply") {
  SignedFixture host;
  auto plan = host.agent.transactions->plan(host.at(20));
  REQUIRE(plan.refusals.empty());
  const auto reply = host.apply(std::move(plan), [&] { host.keys.allow("stranger"); });
  REQUIRE(std::holds_alternative<Refusal>(reply));
  CHECK(holds(std::get<Refusal>(reply).text, "the plan was refused"));
  host.agent.check_at_rest();
  CHECK(host.agent.gateway.calls.empty());
}

TEST_CASE("terms whose key is taken away after the plan was made are not those that are staged") {
  SignedFixture host;
  auto& transactions = *host.agent.transactions;
  host.commit_at(20);
  host.agent.edit_conf("log_level = notice\nplugins = bundled\n");
  auto renewed = transactions.plan(host.at(21));
  REQUIRE(renewed.releases.at(0).terms()->serial == 21);
  const auto take_away = [&] { host.keys.allow("stranger"); };
  REQUIRE(host.agent.result(host.apply(std::move(renewed), take_away, "u")) == Result::Trial);
  REQUIRE(host.agent.result(transactions.confirm("u", {})) == Result::Committed);
  const GenerationStore store(host.agent.config.state / "generations");
  const auto staged = store.find(transactions.state().generation);
  REQUIRE(staged);
  CHECK(store.releases(*staged).at(0).terms()->serial == 20);
}

TEST_CASE("what can't be remembered as accepted is not confirmed") {
  SignedFixture host;
  auto& transactions = *host.agent.transactions;
  REQUIRE(host.agent.result(host.apply(transactions.plan(host.at(20)))) == Result::Trial);
  Transactions::Reply reply;
  // Of all that is written to confirm, only that is a file of its own: the journal is overwritten.
  message_with(SystemCall{.number = SYS_rename, .error = EIO},
               [&] { reply = transactions.confirm("t", {}); });
  CHECK(host.agent.result(reply) == Result::RolledBack);
  CHECK(transactions.state().generation == 0);
  CHECK_FALSE(std::filesystem::exists(host.agent.config.state / "accepted.json"));
  host.agent.check_at_rest();
}

TEST_CASE("what is staged anew of a signed release that runs keeps its terms") {
  SignedFixture host;
  auto& transactions = *host.agent.transactions;
  host.commit_at(20);
  host.agent.edit_conf("log_level = notice\nplugins = bundled\n");
  const auto mended = transactions.plan({.releases = {host.agent.release("1.0.0")}});
  REQUIRE(mended.releases.size() == 1);
  REQUIRE(mended.releases[0].terms());
  CHECK(mended.releases[0].terms()->serial == 20);
}

TEST_CASE("a signed release that is confirmed is the lowest that is taken from then on") {
  SignedFixture host;
  auto& agent = host.agent;
  const auto at = [&](std::uint64_t serial) { return host.at(serial); };
  const auto accepted = agent.config.state / "accepted.json";
  auto plan = agent.transactions->plan(at(20));
  REQUIRE(plan.refusals.empty());
  REQUIRE(agent.result(host.apply(std::move(plan))) == Result::Trial);
  CHECK_FALSE(std::filesystem::exists(accepted));  // a trial may yet turn out badly
  const test::CapturedLog log;
  REQUIRE(agent.result(agent.transactions->confirm("t", {})) == Result::Committed);
  CHECK(holds(log.text(),
              "accepted my-plugin@1.0.0, signed by ci@example.net with ssh-ed25519 "
              "SHA256:"));
  CHECK(AcceptedReleases::read(accepted).serials.at("my-plugin") == 20);
  CHECK(agent.transactions->plan(at(19)).unchanged);  // the very same content
  REQUIRE(agent.result(agent.transactions->apply_at_once({.transaction = "back"},
                                                         agent.transactions->plan_return(0), {})) ==
          Result::Committed);
  CHECK(holds(agent.transactions->plan(at(19)).refusals.at(0).text, "is older than 20"));
  CHECK(agent.transactions->plan(at(20)).refusals.empty());
}

}  // namespace kongfleet::agent
