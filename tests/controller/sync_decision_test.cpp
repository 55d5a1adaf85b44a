// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/sync_decision.hpp"

#include <catch2/catch.hpp>

#include "run_fixture.hpp"

namespace kongfleet::controller {

namespace {

using Phases = std::vector<std::optional<HostPhase>>;
constexpr std::nullopt_t wanting = std::nullopt;

RolloutRules rules(std::vector<std::size_t> wave_ends, std::size_t max_unavailable,
                   std::size_t max_failures) {
  return {.wave_ends = std::move(wave_ends),
          .bake = std::chrono::minutes(1),
          .max_unavailable = max_unavailable,
          .max_failures = max_failures};
}

RunEnd end_with(int code, std::initializer_list<HostPhase> hosts,
                std::initializer_list<HostPhase> left_alone = {}) {
  RunEnd end{.kind = "sync", .id = "sync-1", .exit_code = code};
  for (const auto phase : hosts) end.hosts.emplace_back(nullptr, phase);
  for (const auto phase : left_alone) end.left_alone.emplace_back(nullptr, phase);
  return end;
}

}  // namespace

TEST_CASE("a sync sets aside whom it cannot or need not mend, and only the former as failed") {
  RunFixture run(7);
  for (std::size_t i = 0; i < 7; ++i) run.host(i).plan.emplace();
  run.host(1).plan->set_unchanged(true);
  run.host(2).plan->set_poison("my-plugin@1.0.0 failed here");
  run.host(3).plan->add_refusals()->set_text("no");
  for (std::size_t i = 4; i < 7; ++i) run.host(i).plan.reset();
  run.host(4).trouble = Trouble::Away;
  run.host(5).trouble = Trouble::Stranded;
  run.host(6).trouble = Trouble::Held;
  std::vector<SyncLot> lots;
  Phases phases;
  for (const auto& host : run.hosts()) {
    lots.push_back(sync_lot(*host));
    phases.push_back(set_aside(*host));
  }
  CHECK(lots == std::vector<SyncLot>{SyncLot::Wanting, SyncLot::AtPeace, SyncLot::Poisoned,
                                     SyncLot::RuledOut, SyncLot::RuledOut, SyncLot::RuledOut,
                                     SyncLot::RuledOut});
  CHECK(phases == Phases{wanting, HostPhase::Unchanged, HostPhase::Unchanged, HostPhase::Refused,
                         HostPhase::Unreachable, HostPhase::Stranded, HostPhase::Refused});
}

TEST_CASE("hosts that are down use up a sync's budget") {
  const Phases one_down = {wanting, HostPhase::Unreachable};
  CHECK(hopeless(rules({2}, 1, 1), one_down) == "the budget of 1 unavailable hosts is used up");
  CHECK(hopeless(rules({2}, 2, 1), one_down).empty());
  CHECK(hopeless(rules({2}, 2, 0), one_down) == "1 failed, allowed are 0");
}

TEST_CASE("a sync's shares are of all hosts, and those at peace cost nothing") {
  CHECK(hopeless(rules({1, 4}, 1, 0), {wanting, wanting, HostPhase::Unchanged, wanting}).empty());
  CHECK(hopeless(rules({4}, 2, 2),
                 {wanting, HostPhase::Unchanged, HostPhase::Refused, HostPhase::Unreachable})
            .empty());
}

TEST_CASE("a sync does not mend what it would have to take back again") {
  CHECK(hopeless(rules({1, 2}, 2, 1), {wanting, HostPhase::Refused}) ==
        "no host of the wave proved the release");
}

TEST_CASE("of a sync's exit codes the gravest wins") {
  using enum HostPhase;
  CHECK(sync_exit_code(end_with(0, {Done}, {Unchanged}), 0) == 0);
  CHECK(sync_exit_code(end_with(3, {Back}, {Stranded}), 4) == 4);
  CHECK(sync_exit_code(end_with(3, {Back}, {Unreachable}), 1) == 3);
  CHECK(sync_exit_code(end_with(4, {Lost}, {Unreachable}), 1) == 4);
  CHECK(sync_exit_code(end_with(6, {Back, Done}, {Refused}), 5) == 6);
  CHECK(sync_exit_code(end_with(0, {Done}, {Stranded}), 4) == 4);
  CHECK(sync_exit_code(end_with(0, {Done}, {Refused}), 75) == 75);
  CHECK(sync_exit_code(end_with(130, {Waiting}, {Unreachable}), 1) == 130);
}

TEST_CASE("a sync ends with 1, 5 or 7 only where it touched nothing") {
  using enum HostPhase;
  for (const int code : {1, 5, 7}) {
    CHECK(sync_exit_code(end_with(0, {}, {Refused, Unchanged}), code) == code);
    CHECK(sync_exit_code(end_with(0, {Waiting}, {Refused}), code) == code);
    CHECK(sync_exit_code(end_with(code, {Unreachable}), 0) == code);
    CHECK(sync_exit_code(end_with(0, {Done}, {Refused}), code) == 2);
  }
}

TEST_CASE("a sync that leaves a host as it should not be ends with 2") {
  using enum HostPhase;
  auto end = end_with(0, {Done}, {Unchanged});
  end.poisoned.push_back(nullptr);
  CHECK(sync_exit_code(end, 0) == 2);
  CHECK(sync_exit_code(end_with(0, {Done, Back}), 0) == 2);
}

}  // namespace kongfleet::controller
