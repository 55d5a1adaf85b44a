// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/lane.hpp"
#include "tests/crash/proofs.hpp"

#include <sstream>

namespace kongfleet::crash {

namespace {

constexpr std::size_t everyday_pairs = 1040;

/// The deploy dies before one call, and its recovery, in one of its two ways, before another.
struct Pair {
  std::size_t first;
  Recovery recovery;
  std::size_t second;
};

/// Decide for a death before one call.
Decide killing(std::size_t number) {
  return [number](const MutatingCall& call) {
    return Fate{call.number == number ? Fate::KillAll : Fate::Go};
  };
}

const Scene& deploy_scene() { return scene_named("deploy"); }
const Scene& recovery_scene(Recovery recovery) {
  return scene_named(recovery == Recovery::AtBoot ? "boot" : "serve");
}

/// The deploy that dies, and the recovery after it, under `decide`. Kong runs on where only the
/// agent died.
struct Deaths {
  Told told;
  Performance recovery;
};
Deaths die(const Stage& stage, std::size_t first, Recovery recovery, Decide decide) {
  begin(stage, deploy_scene());
  const auto deploy = perform(stage, deploy_scene(), killing(first));
  if (recovery == Recovery::AtBoot) stage.host().kill_kong();
  return {deploy.told, perform(stage, recovery_scene(recovery), std::move(decide))};
}

Complaints play(const Stage& stage, const Pair& pair) {
  MutatingCall last;
  const auto deaths =
      die(stage, pair.first, pair.recovery, [&, kill = killing(pair.second)](const auto& call) {
        last = call;
        return kill(call);
      });
  if (last.number != pair.second) return {"the second death never came"};
  const auto& host = stage.host();
  auto found =
      check_instant(host, {from_text(stage, deploy_scene()), to_text(stage, deploy_scene())});
  const auto after = recover_and_check(stage, deploy_scene(), deaths.told, pair.recovery);
  found.insert(found.end(), after.begin(), after.end());
  if (!found.empty()) found.insert(found.begin(), "the recovery died before " + last.text());
  return found;
}

/// How many calls the recovery from each death of the deploy makes: first those at boot, then those
/// with Kong running.
std::vector<std::size_t> recovery_calls(std::size_t deaths) {
  const auto told = in_lanes({.jobs = 2 * deaths, .lanes = lanes_at_once}, [deaths]() -> Job {
    auto stage = std::make_shared<Stage>();
    return [stage, deaths](std::size_t job) {
      const auto recovery = job < deaths ? Recovery::AtBoot : Recovery::Serving;
      const auto seen = die(*stage, job % deaths + 1, recovery, [](const auto&) { return Fate{}; });
      return std::to_string(seen.recovery.calls);
    };
  });
  std::vector<std::size_t> counts;
  for (const auto& text : told) counts.push_back(std::stoul(text));
  return counts;
}

std::string name_of(const Pair& pair) {
  std::ostringstream name;
  name << (pair.recovery == Recovery::AtBoot ? "boot:" : "serve:") << pair.first << ":"
       << pair.second << ".";
  return name.str();
}

std::vector<Pair> all_pairs(std::size_t deaths) {
  const auto counts = recovery_calls(deaths);
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto recovery = i < deaths ? Recovery::AtBoot : Recovery::Serving;
    for (std::size_t second = 1; second <= counts[i]; ++second)
      pairs.push_back({i % deaths + 1, recovery, second});
  }
  return pairs;
}

}  // namespace

int kill_pairs(const std::string& only) {
  const auto deaths = rehearse({deploy_scene()}).front().size();
  const auto pairs = all_pairs(deaths);
  // Evenly over both deaths, unless all are asked for or one is named.
  const bool all = deep() || !only.empty() || pairs.size() <= everyday_pairs;
  const std::size_t chosen = all ? pairs.size() : everyday_pairs;
  std::vector<Case> cases;
  for (std::size_t i = 0; i < chosen; ++i) {
    const auto pair = pairs[i * pairs.size() / chosen];
    cases.push_back({name_of(pair), [pair](const Stage& stage) { return play(stage, pair); }});
  }
  return prove({"kill-pairs", "P1 P3 P4", "kill-pairs"}, cases, only);
}

}  // namespace kongfleet::crash
