// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/cast.hpp"

#include <algorithm>

namespace kongfleet::simulation {

using namespace controller;

namespace {

using std::chrono::seconds;

Amount hosts(std::size_t count) { return {Amount::Kind::Count, static_cast<std::uint32_t>(count)}; }

std::size_t draw_count(Chance& chance) {
  return chance.one_in(8) ? chance.between(10, 24) : chance.between(3, 8);
}

// Strictly rising, the last is all of them.
std::vector<std::size_t> draw_waves(Chance& chance, std::size_t count) {
  std::vector<std::size_t> ends;
  std::size_t end = chance.one_in(4) ? chance.between(1, count) : 1;
  while (end < count) {
    ends.push_back(end);
    end += chance.between(1, count - end);
  }
  ends.push_back(count);
  return ends;
}

void draw_weather(World& world, Weather& weather, bool stormy) {
  auto& chance = world.chance;
  if (stormy || chance.one_in(6)) weather.refuses_one_in = chance.between(2, 20);
  if (stormy || chance.one_in(4)) weather.breaks_one_in = chance.between(1, 10);
  if (chance.one_in(stormy ? 2 : 6)) {
    weather.late_one_in = chance.between(3, 30);
    weather.late_most = chance.one_in(3) ? seconds(200) : seconds(20);
  }
  if (chance.one_in(stormy ? 3 : 8)) weather.twice_one_in = chance.between(2, 20);
  while (chance.one_in(stormy ? 2 : 5)) {
    const auto from = world.now() + chance.ms(0, 200'000);
    const auto lasts = chance.one_in(8)   ? milliseconds(std::chrono::hours(200))
                       : chance.one_in(3) ? chance.ms(60'000, 1'800'000)
                                          : chance.ms(500, 60'000);
    weather.absences.push_back({from, from + lasts});
  }
}

void draw_temper(Chance& chance, Temper& temper) {
  switch (chance.below(12)) {
    case 0:
      temper.objects = true;
      break;
    case 1:
      temper.preflight_fails = true;
      break;
    case 2:
      temper.verify_fails = true;
      if (chance.one_in(3)) temper.stranded_tries = 1 + static_cast<unsigned>(chance.below(4));
      if (chance.one_in(8)) temper.stranded_tries = 1000;
      break;
    case 3:
      temper.commit_fails = true;
      break;
    case 4:
      temper.sickens_after = chance.ms(100, 60'000);
      break;
    case 5:
      temper.dies_one_in = chance.between(2, 12);
      if (chance.one_in(4)) temper.stranded_tries = 1 + static_cast<unsigned>(chance.below(3));
      break;
    case 6:
      temper.hangs_one_in = chance.between(2, 8);
      temper.hangs_most = chance.one_in(3) ? seconds(900) : seconds(50);
      break;
    case 7:
      temper.lie = static_cast<Lie>(chance.between(1, 5));
      temper.lies_one_in = chance.between(1, 6);
      break;
    case 8:
      temper.slowness = static_cast<unsigned>(chance.between(2, 8));
      break;
    default:
      break;
  }
}

}  // namespace

Cast draw_fleet(Chance& chance) {
  Cast cast;
  const auto count = draw_count(chance);
  auto& fleet = cast.fleet;
  fleet.name = "edge";
  for (std::size_t i = 0; i < count; ++i) {
    FleetHost host;
    host.name = "h" + std::to_string(i);
    host.agent_command = "kongfleet-agent connect";
    host.groups = {"edge"};
    host.plugins = {"my-plugin"};
    fleet.hosts.push_back(std::move(host));
  }
  cast.rules.wave_ends = draw_waves(chance, count);
  cast.rules.bake = chance.one_in(10) ? milliseconds(0) : chance.ms(100, 90'000);
  cast.rules.max_unavailable = chance.between(1, std::max<std::size_t>(1, count / 2));
  cast.rules.max_failures = chance.one_in(2) ? 0 : chance.below(4);
  auto& policy = fleet.rollout;
  policy.waves.clear();
  for (const auto end : cast.rules.wave_ends) policy.waves.push_back(hosts(end));
  policy.bake = cast.rules.bake;
  policy.max_unavailable = hosts(cast.rules.max_unavailable);
  policy.max_failures = static_cast<unsigned>(cast.rules.max_failures);
  policy.on_failure = chance.one_in(3) ? OnFailure::Pause : OnFailure::Rollback;
  policy.deadline = chance.ms(60'000, 300'000);
  policy.confirm_timeout = chance.ms(30'000, chance.one_in(2) ? 60'000 : 600'000);
  if (chance.one_in(5)) {
    fleet.ssh.max_connections = static_cast<unsigned>(chance.between(1, count));
    const auto one_is_free = std::max<std::size_t>(fleet.ssh.max_connections, 2) - 1;
    cast.rules.max_unavailable = std::min(cast.rules.max_unavailable, one_is_free);
  }
  cast.calm = chance.one_in(8);
  cast.gated = chance.one_in(6);
  cast.syncs = chance.one_in(4);
  return cast;
}

void draw_hosts(World& world, const Cast& cast, const std::string& target,
                std::vector<std::unique_ptr<ModelHost>>& hosts) {
  auto& chance = world.chance;
  const bool stormy = chance.one_in(4);
  const std::size_t trouble_one_in = chance.between(2, 12);
  for (auto& host : hosts) {
    const Generation first{1, "d-first"};
    const Generation second{2, "d-second"};
    if (chance.one_in(3))
      host->ran({}, {});
    else if (chance.one_in(8))
      host->ran({{}}, {1, target});
    else if (chance.one_in(2))
      host->ran({{}}, first);
    else
      host->ran({{}, first}, second);
    if (cast.syncs && chance.one_in(8)) host->failed_with(target);
    if (cast.calm) continue;
    if (stormy || chance.one_in(trouble_one_in)) draw_weather(world, host->weather, stormy);
    if (chance.one_in(trouble_one_in)) draw_temper(chance, host->temper);
    if (chance.one_in(20)) {
      auto& model = *host;
      const auto at = chance.ms(0, 100'000);
      if (chance.one_in(2))
        world.after(at, [&model] { model.edit(); });
      else
        world.after(at, [&model] { model.changed_by_other(std::chrono::seconds(40)); });
    }
    if (chance.one_in(20)) {
      auto& model = *host;
      const auto down = chance.ms(100, 120'000);
      world.after(chance.ms(0, 200'000), [&model, down] { model.die(down); });
    }
  }
}

}  // namespace kongfleet::simulation
