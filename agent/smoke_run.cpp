// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/smoke_run.hpp"

#include "agent/probe.hpp"
#include "proto/error.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

using namespace std::chrono_literals;
using Time = SmokeWorld::Time;

constexpr auto call_timeout = 5s;  // one question to the Admin API, and its database
constexpr auto patience = 15s;     // see run_smoke
constexpr auto removal_time = 20s;
constexpr auto removal_pause = 500ms;
// A question that got no answer may be carried out after all, when Kong's database answers again.
constexpr auto late_effect = 5s;

/// Removes one kind of entities that carry the tag, page by page. An empty string, or why not.
std::string remove_kind(SmokeWorld& world, const std::string& kind, const std::string& tag,
                        Time deadline) {
  while (world.now() < deadline) {
    const AdminCall listing{"GET", "/" + kind + "?tags=" + tag, ""};
    const auto listed = world.admin(listing, std::min(deadline, world.now() + call_timeout));
    const auto ids = ids_in(listed);
    if (!ids)
      return listed.response ? "GET /" + kind + " of the Admin API answers " +
                                   std::to_string(listed.response->status)
                             : listed.error;
    if (ids->empty()) return "";
    for (const auto& id : *ids)
      world.admin({"DELETE", "/" + kind + "/" + id, ""},
                  std::min(deadline, world.now() + call_timeout));
  }
  return "not all " + kind + " could be removed in time";
}

/// What refers to others goes before them.
std::string remove_once(SmokeWorld& world, const std::string& tag, Time deadline) {
  for (const std::string kind : {"plugins", "routes", "services"})
    if (auto why = remove_kind(world, kind, tag, deadline); !why.empty()) return why;
  return "";
}

std::string remove_all(SmokeWorld& world, const std::string& tag) {
  const auto deadline = world.now() + removal_time;
  auto why = remove_once(world, tag, deadline);
  while (!why.empty() && world.now() + removal_pause < deadline) {
    world.pause(removal_pause);
    why = remove_once(world, tag, deadline);
  }
  if (why.empty()) world.forget();
  return why;
}

/// One test, from its names to its verdict.
class SmokeTest {
public:
  SmokeTest(SmokeWorld& world, const ProbeSpec& probe, Time deadline)
      : world_(world), probe_(probe), deadline_(deadline), names_(world.fresh_id()) {
    outcome_.name = probe.name;
  }

  ProbeOutcome run() {
    const auto began = world_.now();
    try {
      if (set_up()) ask();
    } catch (const std::exception& error) {
      undecided(error.what());  // a thread or a file that can't be had says nothing of the plugin
    }
    if (remembered_) take_down();
    outcome_.took = std::chrono::duration_cast<std::chrono::milliseconds>(world_.now() - began);
    return outcome_;
  }

private:
  bool undecided(const std::string& why) {
    outcome_.ok = false;
    outcome_.inconclusive = true;
    outcome_.detail = why;
    return false;
  }

  bool set_up() {
    const auto left = clear_smoke(world_);
    if (!left.empty()) return undecided("what an earlier smoke test left is still there: " + left);
    if (world_.now() >= deadline_) return undecided("no time was left to try");
    const auto entities = smoke_entities(names_, probe_, world_.upstream());
    world_.remember(names_.tag);
    remembered_ = true;
    for (const auto& call : entities) {
      const auto result = world_.admin(call, std::min(deadline_, world_.now() + call_timeout));
      unanswered_ = unanswered_ || !result.response;
      const auto reading = judge_created(call, result);
      if (reading.sign == SmokeReading::Sign::Unknown) return undecided(reading.why);
      outcome_.detail = reading.why;
      if (reading.sign == SmokeReading::Sign::Rejected) return false;
    }
    return true;
  }

  void ask() {
    const auto patient_until = world_.now() + patience;
    outcome_.detail = "no time was left to try";
    unsigned bad = 0;
    bool proven_wrong = false;  // by an answer that is not for want of the route
    bool routed = true;
    while (!outcome_.ok && world_.now() < deadline_ &&
           (bad < probe_failures_max || world_.now() < patient_until)) {
      if (outcome_.tries++ > 0) world_.pause(probe_.interval);
      const auto result =
          world_.request(names_, std::min(deadline_, world_.now() + probe_.timeout));
      routed = !result.response || !not_routed(*result.response);
      const bool good = judge(result);
      bad = good ? 0 : bad + 1;
      good_ = good ? good_ + 1 : 0;
      proven_wrong = proven_wrong || (routed && !good);
      outcome_.ok = good_ >= std::max(probe_.successes, 1U);
    }
    if (outcome_.ok) return;
    if (good_ > 0)
      outcome_.detail +=
          ", but not " + std::to_string(probe_.successes) + " times in a row in time";
    if (outcome_.tries == 0)
      undecided(outcome_.detail);
    else if (!routed)
      undecided("Kong did not take up the test's route in time: 404");
    else if (!proven_wrong)
      undecided("not all of Kong's workers took up the test's route in time");
  }

  bool judge(const HttpResult& result) {
    outcome_.detail = result.error;
    if (!result.response) return false;
    const auto wrong = judge_response(probe_, *result.response);
    outcome_.detail = wrong.empty() ? told_of(probe_, *result.response) : wrong;
    return wrong.empty();
  }

  void take_down() {
    if (unanswered_) world_.pause(late_effect);
    const auto left = remove_all(world_, names_.tag);
    if (left.empty()) return;
    undecided(outcome_.detail + "; and what it created, all with the tag " + names_.tag +
              ", could not be removed: " + left);
  }

  SmokeWorld& world_;
  const ProbeSpec& probe_;
  Time deadline_;
  SmokeNames names_;
  ProbeOutcome outcome_;
  bool remembered_ = false;
  bool unanswered_ = false;
  unsigned good_ = 0;
};

}  // namespace

ProbeOutcome run_smoke(SmokeWorld& world, const ProbeSpec& probe, Time deadline) {
  return SmokeTest(world, probe, deadline).run();
}

std::string clear_smoke(SmokeWorld& world) {
  const auto tag = world.remembered();
  return tag ? remove_all(world, *tag) : "";
}

}  // namespace kongfleet::agent
