// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/stage.hpp"

#include "tests/crash/agent.hpp"
#include "tests/crash/lane.hpp"
#include "tests/crash/tree_copy.hpp"

namespace kongfleet::crash {

namespace {

constexpr const char* ballast = "ballast";  // 2 MB that are never written to
constexpr auto limit = std::chrono::seconds(60);

}  // namespace

// All at once: making one later would take the host away under what runs on it.
Stage::Stage() : host_(lane_directory() / "host") {
  for (const auto start : {Start::Base, Start::One, Start::Two, Start::Trial}) {
    make(start);
    texts_[start] = content_of(host_.conf());
    fs::remove_all(copy_of(start));
    copy_tree(host_.root(), copy_of(start), ballast);
  }
}

fs::path Stage::copy_of(Start start) {
  return lane_directory() / ("start-" + std::to_string(static_cast<int>(start)));
}

void Stage::set(Start start) const {
  fs::remove(host_.log());
  fs::remove_all(host_.root());
  copy_tree(copy_of(start), host_.root(), ballast);
}

void Stage::make(Start start) const {
  if (start == Start::Base) return host_.make();
  set(start == Start::One ? Start::Base : Start::One);
  host_.start_kong();
  Agent agent(host_);
  const auto conversation = agent.talk(Clock::now() + limit);
  const auto plan = conversation->propose(make_release(start == Start::One ? "1.0.0" : "1.1.0"));
  const auto transaction = copy_of(start).filename().string();
  auto outcome = conversation->apply(plan, transaction);
  if (start != Start::Trial) outcome = conversation->confirm(transaction);
  const auto wanted = start == Start::Trial ? wire::Outcome::TRIAL : wire::Outcome::COMMITTED;
  if (outcome.result() != wanted) throw Error("a host can't be prepared: " + outcome.cause());
  agent.process().kill();
  host_.kill_kong();
}

}  // namespace kongfleet::crash
