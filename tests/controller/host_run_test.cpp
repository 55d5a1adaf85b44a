// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

#include "agents_fixture.hpp"

namespace kongfleet::controller {

namespace {

/// A host whose last word was that it is in trial, on the way from generation 6 to 7; its agent
/// remembers a later transaction of somebody else.
struct ForgottenTrial {
  AgentsFixture agents{1};
  HostRun* host = nullptr;
  std::vector<std::uint64_t> taken_to;
  explicit ForgottenTrial(std::uint64_t generation) {
    agents.greets = [generation](std::size_t, wire::HostState& state) {
      state.set_generation(generation);
    };
    agents.refuses = [this](std::size_t, const wire::ToAgent& message) {
      if (message.has_rollback()) taken_to.push_back(message.rollback().to());
      return message.has_renew() ? "no-transaction" : "";
    };
    auto& run = agents.run("rollout");
    host = run.hosts()[0].get();
    wire::Outcome outcome;
    outcome.set_transaction(transaction_name("rollout-1", host->host(), 1));
    outcome.set_result(wire::Outcome::TRIAL);
    outcome.mutable_host()->set_generation(6);
    outcome.mutable_host()->mutable_open()->set_generation(7);
    host->was_part(1, outcome, "");
    run.ask_again({true}, [] {});
  }
};

}  // namespace

TEST_CASE("a trial whose confirmation was not heard is known by its generation, and goes back") {
  ForgottenTrial trial(7);
  REQUIRE(trial.host->answer == HostAnswer::Kept);
  auto phase = HostPhase::Lost;
  HostRun::MayBegin may = [] { return true; };
  asio::co_spawn(trial.agents.loop().io(),
                 trial.host->take_back(HostPhase::Done, "aborted", std::move(may)),
                 [&](const std::exception_ptr& bug, HostPhase said) {
                   rethrow(bug);
                   phase = said;
                 });
  trial.agents.loop().run_again();
  CHECK(phase == HostPhase::Back);
  CHECK(trial.taken_to == std::vector<std::uint64_t>{6});
}

TEST_CASE("a host that does not run what it had in trial has forgotten it") {
  CHECK(ForgottenTrial(6).host->answer == HostAnswer::Unknown);
  CHECK(ForgottenTrial(8).host->answer == HostAnswer::Unknown);
}

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

}  // namespace kongfleet::controller
