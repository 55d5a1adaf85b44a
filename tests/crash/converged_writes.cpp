// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/proofs.hpp"

#include <mutex>

namespace kongfleet::crash {

namespace {

constexpr auto limit = std::chrono::seconds(60);

/// What is asked of a host that already is as it should be.
struct Request {
  const char* name;
  /// Gives what is wrong with the answers.
  std::function<Complaints(Conversation&, const Release& running)> ask;
};

Complaints expect(bool well, const std::string& otherwise) {
  return well ? Complaints{} : Complaints{otherwise};
}

Complaints ask_plan(Conversation& conversation, const Release& running) {
  const auto plan = conversation.propose(running);
  return expect(plan.unchanged() && plan.missing_size() == 0, "the plan would change something");
}

Complaints apply_twice(Conversation& conversation, const Release& running) {
  for (const auto* transaction : {"again", "and-again"}) {
    const auto outcome = conversation.apply(conversation.propose(running), transaction);
    if (outcome.result() != wire::Outcome::UNCHANGED)
      return {"an apply ends otherwise than unchanged: " + outcome.cause()};
  }
  return {};
}

Complaints ask_status(Conversation& conversation, const Release&) {
  const auto host = conversation.status();
  return expect(host.state() == "ready" && host.drift_size() == 0, "status: " + host.state());
}

const std::vector<Request>& requests() {
  static const std::vector<Request> all{
      {"hello", [](Conversation&, const Release&) { return Complaints{}; }},
      {"status", ask_status},
      {"plan", ask_plan},
      {"apply", apply_twice},
  };
  return all;
}

/// To open what is there changes nothing, whatever it is opened for.
bool changes_nothing(const MutatingCall& call) {
  return call.flags_argument >= 0 && !call.truncates && fs::exists(call.path);
}

/// The mutating calls that are made while it counts.
class Tally {
public:
  Decide decide() {
    return [this](const MutatingCall& call) {
      const std::lock_guard lock(mutex_);
      if (!changes_nothing(call)) calls_.push_back(call.text());
      return Fate{};
    };
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }
  /// Each call after the first `from` as a complaint.
  Complaints since(std::size_t from) {
    const std::lock_guard lock(mutex_);
    Complaints found;
    for (auto i = from; i < calls_.size(); ++i) found.push_back("writes: " + calls_[i]);
    return found;
  }

private:
  std::mutex mutex_;
  std::vector<std::string> calls_;
};

void add(Complaints& to, const Complaints& more) { to.insert(to.end(), more.begin(), more.end()); }

/// An agent that has just started, asked over a connection of its own.
Complaints play_request(const Stage& stage, Start start, const Request& request) {
  const auto& host = stage.host();
  stage.set(start);
  host.start_kong();
  Tally tally;
  auto owned = std::make_unique<TracedProcess>(Command{agent_command(host, "serve"), host.log()},
                                               host.root(), tally.decide());
  Agent agent(host, std::move(owned));
  static_cast<void>(agent.talk(Clock::now() + limit));  // whoever comes first waits for its start
  const auto at_start = tally.count();
  const auto running = make_release(start == Start::One ? "1.0.0" : "1.1.0");
  Complaints found;
  {
    const auto conversation = agent.talk(Clock::now() + limit);
    found = request.ask(*conversation, running);
    add(found, tally.since(at_start));
    // The same eyes do see a deploy.
    const auto other = make_release("2.0.0");
    if (deploy(*conversation, other, "for-real").result() != wire::Outcome::COMMITTED)
      found.emplace_back("a deploy of something else fails");
  }
  add(found, expect(tally.count() > at_start, "a deploy is said to write nothing"));
  add(found, check_serving(host));
  return found;
}

/// `recover` at boot, where nothing is unfinished.
Complaints play_boot(const Stage& stage, Start start) {
  const auto& host = stage.host();
  stage.set(start);
  Tally tally;
  TracedProcess process(Command{agent_command(host, "recover"), host.log()}, host.root(),
                        tally.decide());
  const auto status = process.wait(Clock::now() + limit);
  auto found = tally.since(0);
  add(found, expect(status == 0, "'recover' fails or does not end"));
  return found;
}

}  // namespace

int converged_writes(const std::string& only) {
  std::vector<Case> cases;
  for (const auto& [name, start] : {std::pair{"one:", Start::One}, std::pair{"two:", Start::Two}}) {
    for (const auto& request : requests())
      cases.push_back({name + std::string(request.name), [&request, start](const Stage& stage) {
                         return play_request(stage, start, request);
                       }});
    cases.push_back({name + std::string("boot"),
                     [start](const Stage& stage) { return play_boot(stage, start); }});
  }
  return prove({"converged-writes", "P9", "converged-writes"}, cases, only);
}

}  // namespace kongfleet::crash
