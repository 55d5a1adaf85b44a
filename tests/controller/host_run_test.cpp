// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

#include "agents_fixture.hpp"
#include <functional>

namespace kongfleet::controller {

namespace {

constexpr const char* the_digest = "d7";

/// A host whose last word was that it is in trial, on the way from generation 6 to 7, or confirmed
/// there; its agent remembers a later transaction of somebody else.
struct ForgottenHost {
  AgentsFixture agents{1};
  HostRun* host = nullptr;
  std::vector<std::uint64_t> taken_to;
  explicit ForgottenHost(std::function<void(wire::HostState&)> is, bool confirmed = false) {
    agents.add_release("my-plugin");
    agents.greets = [this, is](std::size_t, wire::HostState& state) {
      *state.add_releases() = agents.release();
      is(state);
    };
    agents.refuses = [this](std::size_t, const wire::ToAgent& message) {
      if (message.has_rollback()) taken_to.push_back(message.rollback().to());
      return message.has_renew() ? "no-transaction" : "";
    };
    auto& run = agents.run("rollout");
    host = run.hosts()[0].get();
    wire::Outcome outcome;
    outcome.set_transaction(transaction_name("rollout-1", host->host(), 1));
    outcome.set_result(confirmed ? wire::Outcome::COMMITTED : wire::Outcome::TRIAL);
    auto& said = *outcome.mutable_host();
    said.set_generation(confirmed ? 7 : 6);
    if (confirmed) said.set_generation_digest(the_digest);
    if (confirmed) said.set_before(6);
    if (!confirmed) said.mutable_open()->set_generation(7);
    host->was_part(1, outcome, "");
    run.ask_again({true}, [] {});
  }
  HostPhase taken_back() {
    auto phase = HostPhase::Lost;
    HostRun::MayBegin may = [] { return true; };
    asio::co_spawn(agents.loop().io(), host->take_back(HostPhase::Done, "aborted", std::move(may)),
                   [&](const std::exception_ptr& bug, HostPhase said) {
                     rethrow(bug);
                     phase = said;
                   });
    agents.loop().run_again();
    return phase;
  }
};

std::function<void(wire::HostState&)> runs(std::uint64_t number, std::uint64_t before,
                                           const std::string& digest) {
  return [=](wire::HostState& state) {
    state.set_generation(number);
    state.set_before(before);
    state.set_generation_digest(digest);
  };
}

const std::vector<std::uint64_t> to_six = {6};
const std::vector<std::uint64_t> nowhere;

}  // namespace

TEST_CASE("a trial whose confirmation was not heard is known by its generation, and goes back") {
  ForgottenHost host(runs(7, 6, the_digest));
  CHECK(host.host->answer == HostAnswer::Kept);
  CHECK(host.taken_back() == HostPhase::Back);
  CHECK(host.taken_to == to_six);
}

TEST_CASE("a host that does not run what it had in trial has forgotten it") {
  const auto other = [](std::uint64_t number) {
    return [number](wire::HostState& state) {
      state.set_generation(number);
      state.mutable_releases(0)->set_digest("another");
    };
  };
  CHECK(ForgottenHost(other(6)).host->answer == HostAnswer::Unknown);
  CHECK(ForgottenHost(other(7)).host->answer == HostAnswer::Unknown);  // it was set up anew
  CHECK(ForgottenHost(other(8)).host->answer == HostAnswer::Unknown);
}

TEST_CASE("what was mended since it was confirmed goes back to where it came from") {
  ForgottenHost host(runs(8, 7, the_digest), true);
  CHECK(host.host->answer == HostAnswer::Kept);
  CHECK(host.taken_back() == HostPhase::Back);
  CHECK(host.taken_to == to_six);
}

TEST_CASE("where somebody else brought more beside it, nothing goes back, and it is kept") {
  const bool confirmed = GENERATE(false, true);
  ForgottenHost host(runs(8, 7, "d8"), confirmed);
  CHECK(host.host->answer == HostAnswer::Kept);
  CHECK(host.taken_back() == HostPhase::Kept);
  CHECK(host.taken_to == nowhere);
}

TEST_CASE("a host that went back, or runs something else since, is left as it is") {
  const bool back = GENERATE(false, true);
  const auto is = [back](wire::HostState& state) {
    runs(back ? 6 : 9, 5, "d9")(state);
    state.mutable_releases(0)->set_digest("another");
  };
  ForgottenHost host(is, true);
  CHECK(host.taken_back() == HostPhase::Back);
  CHECK(host.taken_to == nowhere);
}

TEST_CASE("a host that runs nothing of ours any more went back") {
  const auto is = [](wire::HostState& state) {
    runs(0, 0, "")(state);
    state.clear_releases();
  };
  ForgottenHost host(is, true);
  CHECK(host.host->answer == HostAnswer::Unknown);
  CHECK(host.taken_back() == HostPhase::Back);
  CHECK(host.taken_to == nowhere);
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
