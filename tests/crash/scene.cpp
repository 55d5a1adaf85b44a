// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/scene.hpp"

#include "tests/crash/host_check.hpp"

#include <algorithm>

namespace kongfleet::crash {

namespace {

using Deed = Scene::Deed;

constexpr auto limit = std::chrono::seconds(60);  // for a conversation; it takes 0.2 s

}  // namespace

Release release_of(const Scene& scene) {
  if (scene.deed == Deed::DeployBroken) return make_release("1.0.1", Handler::BrokenInMaster);
  return make_release(scene.start == Start::Base ? "1.0.0" : "1.1.0");
}

namespace {

/// Up to the trial. False when it came to another end.
bool apply(Conversation& conversation, const Scene& scene, Told& told) {
  const auto plan = conversation.propose(release_of(scene));
  told.outcome = conversation.apply(plan, scene.name);
  return told.outcome->result() == wire::Outcome::TRIAL;
}

void talk(Conversation& conversation, const Scene& scene, Told& told) {
  told.welcome = conversation.host();
  switch (scene.deed) {
    case Deed::Deploy:
    case Deed::DeployBroken:
      if (!apply(conversation, scene, told)) return;
      told.ordered = true;
      told.outcome = conversation.confirm(scene.name);
      return;
    case Deed::Revert:
      if (apply(conversation, scene, told)) told.outcome = conversation.revert(scene.name);
      return;
    case Deed::RollBack:
      told.ordered = true;
      told.outcome = conversation.roll_back(scene.name);
      return;
    case Deed::RecoverAtBoot:
    case Deed::RecoverServing:
      return;
  }
}

}  // namespace

const std::vector<Scene>& scenes() {
  using enum Start;
  static const std::vector<Scene> all{
      {"first", Deed::Deploy, Base, Base, One, wire::Outcome::COMMITTED, "", {1}},
      {"deploy", Deed::Deploy, One, One, Two, wire::Outcome::COMMITTED, "", {1, 2}},
      {"rejected",
       Deed::DeployBroken,
       One,
       One,
       {},
       wire::Outcome::ROLLED_BACK,
       "Kong rejected the reload",
       {1, 2}},
      {"revert",
       Deed::Revert,
       One,
       One,
       Two,
       wire::Outcome::ROLLED_BACK,
       "the proof takes it back",
       {1, 2}},
      {"rollback", Deed::RollBack, Two, Two, One, wire::Outcome::COMMITTED, "", {1}},
      {"boot", Deed::RecoverAtBoot, Trial, One, Two, wire::Outcome::UNKNOWN, "", {1, 2}},
      {"serve", Deed::RecoverServing, Trial, One, Two, wire::Outcome::UNKNOWN, "", {1, 2}},
  };
  return all;
}

const Scene& scene_named(const std::string& name) {
  const auto at = std::find_if(scenes().begin(), scenes().end(),
                               [&](const Scene& scene) { return scene.name == name; });
  if (at == scenes().end()) throw Error("there is no scene '" + name + "'");
  return *at;
}

void begin(const Stage& stage, const Scene& scene) {
  stage.set(scene.start);
  if (scene.deed != Deed::RecoverAtBoot) stage.host().start_kong();
}

std::string from_text(const Stage& stage, const Scene& scene) { return stage.text(scene.from); }

std::string to_text(const Stage& stage, const Scene& scene) {
  if (scene.to) return stage.text(*scene.to);
  auto conf = stage.text(scene.from);
  const auto name = generation_in(stage.host(), conf);
  const auto next = "000002-" + generation_digest({release_of(scene).manifest}).brief(12);
  for (auto at = conf.find(name); at != std::string::npos; at = conf.find(name, at + 1))
    conf.replace(at, name.size(), next);
  return conf;
}

Performance perform(const Stage& stage, const Scene& scene, Decide decide,
                    const std::function<void(const Told&)>& at_the_end) {
  const auto& host = stage.host();
  const bool boot = scene.deed == Deed::RecoverAtBoot;
  auto owned = std::make_unique<TracedProcess>(
      Command{agent_command(host, boot ? "recover" : "serve"), host.log()}, host.root(),
      std::move(decide));
  auto& process = *owned;
  Agent agent(host, std::move(owned));
  Performance seen;
  try {
    if (boot) {
      if (!process.wait(Clock::now() + limit)) throw Error("'recover' does not end");
    } else {
      talk(*agent.talk(Clock::now() + limit), scene, seen.told);
    }
  } catch (const Error& error) {
    seen.told.broken_off = error.what();
  }
  if (at_the_end) at_the_end(seen.told);
  seen.status = process.wait(Clock::now());
  process.kill();
  seen.calls = process.calls();
  return seen;
}

}  // namespace kongfleet::crash
