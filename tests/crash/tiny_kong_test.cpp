// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// tiny-kong-test: the agent's real verification goes by the tiny gateway as by a Kong. It deploys,
// is rejected, is taken back and rolled back on it; after each the checks of host_check.hpp find
// nothing, and find what is then broken on purpose.
#include "tests/crash/agent.hpp"
#include "tests/crash/host_check.hpp"
#include "tests/crash/lane.hpp"

#include <fstream>
#include <iostream>

namespace kongfleet::crash {

namespace {

constexpr auto limit = std::chrono::seconds(30);

void require(bool good, const std::string& what) {
  if (!good) throw Error(what);
}

void require_clean(const CrashHost& host, Conversation& conversation, const std::string& after) {
  auto found = check_rest(host, {});
  for (const auto& more : {check_serving(host), check_report(host, conversation.status())})
    found.insert(found.end(), more.begin(), more.end());
  for (const auto& complaint : found) std::cerr << "after " << after << ": " << complaint << "\n";
  require(found.empty(), "after " + after);
}

void deploy_all(const CrashHost& host) {
  Agent agent(host);
  const auto conversation = agent.talk(Clock::now() + limit);
  auto outcome = deploy(*conversation, make_release("1.0.0"), "first");
  require(outcome.result() == wire::Outcome::COMMITTED, "first: " + outcome.cause());
  require_clean(host, *conversation, "the first deploy");
  outcome = deploy(*conversation, make_release("1.0.1", Handler::BrokenInMaster), "broken");
  require(outcome.result() == wire::Outcome::ROLLED_BACK, "broken: " + outcome.cause());
  require(outcome.cause().find("Kong rejected the reload") != std::string::npos, outcome.cause());
  require_clean(host, *conversation, "a rejected deploy");
  const auto plan = conversation->propose(make_release("1.1.0"));
  outcome = conversation->apply(plan, "taken-back");
  require(outcome.result() == wire::Outcome::TRIAL, "taken-back: " + outcome.cause());
  require(check_serving(host).empty(), "a trial does not serve");
  outcome = conversation->revert("taken-back");
  require(outcome.result() == wire::Outcome::ROLLED_BACK, "revert: " + outcome.cause());
  require_clean(host, *conversation, "a revert");
  outcome = deploy(*conversation, make_release("1.1.0"), "second");
  require(outcome.result() == wire::Outcome::COMMITTED, "second: " + outcome.cause());
  require_clean(host, *conversation, "the second deploy");
  outcome = conversation->roll_back("back");
  require(outcome.result() == wire::Outcome::COMMITTED, "back: " + outcome.cause());
  require_clean(host, *conversation, "a rollback");
}

void break_things(const CrashHost& host) {
  const auto conf = content_of(host.conf());
  const auto generation = host.generations() / generation_in(host, conf);
  require(check_instant(host, {conf}).empty(), "a good host is complained of");
  require(!check_instant(host, {conf + "\n"}).empty(), "another text is not seen");
  std::ofstream(host.generations() / ".building-000009-0") << "";
  require(!check_rest(host, {}).empty(), "a leftover is not seen");
  std::ofstream(generation / "greet/words.lua") << "other";
  require(!check_instant(host, {}).empty(), "a changed module is not seen");
  std::ofstream(host.prefix() / "serving") << "/elsewhere/?.lua\nbundled\n";
  require(!check_serving(host).empty(), "a gateway that serves another path is not seen");
  fs::permissions(host.conf(), fs::perms(0644));
  require(!check_instant(host, {conf}).empty(), "another mode is not seen");
}

std::string prove(std::size_t) {
  const CrashHost host(lane_directory() / "host");
  host.make();
  host.start_kong();
  try {
    deploy_all(host);
  } catch (const Error& error) {
    throw Error(error.what() + ("\n" + content_of(host.log())));
  }
  break_things(host);
  host.kill_kong();
  return "";
}

}  // namespace

}  // namespace kongfleet::crash

int main() {
  using namespace kongfleet::crash;
  const auto answers = in_lanes({.jobs = 1, .lanes = 1}, [] { return prove; });
  std::cerr << answers.front() << (answers.front().empty() ? "" : "\n");
  return answers.front().empty() ? 0 : 1;
}
