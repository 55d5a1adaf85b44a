// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/history_view.hpp"

#include <catch2/catch.hpp>

#include "run_fixture.hpp"
#include <sstream>

namespace kongfleet::controller {

namespace {

constexpr std::int64_t begun_ms = 1'764'000'000'000;

/// A canary that came through, a host that failed with all the evidence there can be, and one that
/// was never touched.
RememberedRollout failed_rollout() {
  RememberedRollout rollout;
  rollout.id = "rollout-1";
  rollout.started_ms = begun_ms;
  auto& canary = rollout.hosts.emplace_back();
  canary.label = "edge-1";
  canary.phase = HostPhase::Done;
  canary.started_ms = begun_ms;
  canary.ended_ms = begun_ms + 61'000;
  canary.outcome.emplace();
  auto& fine = *canary.outcome->add_steps();
  fine.set_step("reload");
  fine.set_ms(40);
  fine.set_ok(true);
  auto& failed = rollout.hosts.emplace_back();
  failed.label = "edge-2";
  failed.wave = 1;
  failed.phase = HostPhase::Back;
  failed.started_ms = begun_ms + 61'000;
  failed.ended_ms = begun_ms + 64'500;
  failed.cause = "my-plugin/handler.lua:4: a bug; probe 'echo': status 500";
  failed.outcome = full_outcome();
  failed.way_back = wire::Outcome();
  auto& back = *failed.way_back->add_steps();
  back.set_step("restore");
  back.set_ms(12);
  back.set_ok(true);
  auto& waiting = rollout.hosts.emplace_back();
  waiting.label = "edge-3";
  waiting.wave = 1;
  return rollout;
}

/// From the table of hosts on: what stands above has a time of here in it.
std::string shown_hosts(const RememberedRollout& rollout) {
  std::ostringstream text;
  print_rollout(text, rollout, "");
  return text.str().substr(text.str().find("\n\n") + 2);
}

}  // namespace

TEST_CASE("show: who failed comes first, and of a host its cause before the evidence") {
  CHECK(shown_hosts(failed_rollout()) ==
        "HOST    WAVE  PHASE    TOOK    CAUSE\n"
        "edge-2  2     back     3.5 s   my-plugin/handler.lua:4: a bug; probe 'echo': status 500\n"
        "edge-1  1     done     61.0 s  -\n"
        "edge-3  2     waiting  -       -\n"
        "\n"
        "edge-2\n"
        "  cause: my-plugin/handler.lua:4: a bug; probe 'echo': status 500\n"
        "    step verify: probe 'echo'\n"
        "    my-plugin kong/plugins/my-plugin/handler.lua:12: '<eof>' expected near 'local'\n"
        "    probe echo failed after 4 tries: status 500\n"
        "    | [error] x\n"
        "  steps: verify 812 ms FAILED\n"
        "  way back: restore 12 ms\n"
        "edge-1\n"
        "  steps: reload 40 ms\n");
}

TEST_CASE("show: a host that went back, and on which a probe fails, shows that probe") {
  auto rollout = failed_rollout();
  auto& back = rollout.hosts[0];
  back.outcome.reset();
  back.way_back.emplace();
  auto& probe = *back.way_back->add_probes();
  probe.set_name("echo");
  probe.set_tries(4);
  probe.set_detail("status 502");
  const std::string line = "edge-1\n    probe echo failed after 4 tries: status 502\n";
  CHECK(shown_hosts(rollout).find(line) != std::string::npos);
  probe.set_ok(true);
  CHECK(shown_hosts(rollout).find("probe echo") ==
        shown_hosts(failed_rollout()).find("probe echo"));
}

TEST_CASE("show: a way back that failed has its evidence, too") {
  auto rollout = failed_rollout();
  rollout.hosts[1].phase = HostPhase::Stranded;
  auto& step = *rollout.hosts[1].way_back->mutable_steps(0);
  step.set_ok(false);
  step.set_detail("kong did not come up");
  const std::string line =
      "  way back: restore 12 ms FAILED\n    step restore: kong did not come up\n";
  CHECK(shown_hosts(rollout).find(line) != std::string::npos);
}

TEST_CASE("show: a probe without a verdict is called inconclusive, and not failed") {
  auto rollout = failed_rollout();
  rollout.hosts[1].outcome->mutable_probes(0)->set_inconclusive(true);
  const auto text = shown_hosts(rollout);
  CHECK_THAT(text, Catch::Contains("    probe echo inconclusive after 4 tries: status 500\n"));
  CHECK_THAT(text, !Catch::Contains("probe echo failed"));
}

}  // namespace kongfleet::controller
