// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/proofs.hpp"

namespace kongfleet::crash {

namespace {

// That the host goes on from there takes as long again; it is asked at every call in a deep run.
constexpr std::size_t everyday_share = 5;

struct Point {
  const Scene& scene;
  std::size_t number;
  std::string call;
  Recovery recovery;
  bool go_on;
};

Complaints play(const Stage& stage, const Point& point) {
  begin(stage, point.scene);
  bool killed = false;
  const auto seen = perform(stage, point.scene, [&](const MutatingCall& call) {
    killed = killed || call.number == point.number;
    return Fate{killed ? Fate::KillAll : Fate::Go};
  });
  if (!killed) return {point.call + " was never made: " + seen.told.broken_off};
  auto found =
      check_instant(stage.host(), {from_text(stage, point.scene), to_text(stage, point.scene)});
  const auto recovery = point.go_on ? recover_and_go_on : recover_and_check;
  const auto after = recovery(stage, point.scene, seen.told, point.recovery);
  found.insert(found.end(), after.begin(), after.end());
  if (!found.empty()) found.insert(found.begin(), "killed before " + point.call);
  return found;
}

}  // namespace

int kill_points(const std::string& only) {
  const auto calls = rehearse(scenes());
  std::vector<Case> cases;
  for (std::size_t s = 0; s < scenes().size(); ++s) {
    for (const auto recovery : {Recovery::AtBoot, Recovery::Serving}) {
      for (std::size_t number = 1; number <= calls[s].size(); ++number) {
        const bool go_on = deep() || !only.empty() || number % everyday_share == 0;
        const Point point{scenes()[s], number, named_call(calls[s], number), recovery, go_on};
        const auto way = recovery == Recovery::AtBoot ? ":boot:" : ":serve:";
        cases.push_back({point.scene.name + std::string(way) + std::to_string(number) + ".",
                         [point](const Stage& stage) { return play(stage, point); }});
      }
    }
  }
  return prove({"kill-points", "P1 P3 P4", "kill-points"}, cases, only);
}

}  // namespace kongfleet::crash
