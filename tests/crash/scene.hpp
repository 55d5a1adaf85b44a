// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/agent.hpp"
#include "tests/crash/stage.hpp"
#include "tests/crash/tracer.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kongfleet::crash {

/// What is done to an agent: the same calls every time, as long as nothing interferes.
struct Scene {
  const char* name;
  enum class Deed { Deploy, DeployBroken, Revert, RollBack, RecoverAtBoot, RecoverServing } deed;
  Start start;
  Start from;                  // whose kong.conf is the confirmed one
  std::optional<Start> to;     // whose would be confirmed next; none: that of the broken release
  wire::Outcome::Result end;   // when nothing interferes; UNKNOWN: no outcome is told
  const char* cause;           // what its cause then holds
  std::vector<unsigned> kept;  // the generations that then lie on the host
};

const std::vector<Scene>& scenes();
/// Throws Error when there is none of this name.
const Scene& scene_named(const std::string& name);

/// What the controller of a scene heard and said.
struct Told {
  bool ordered = false;  // to confirm, or to roll back: from then on either is confirmed
  std::optional<wire::Outcome> outcome;  // the last one it read
  std::string broken_off;                // why it heard no more
  wire::HostState welcome;               // the host as it was told first
};

/// What a scene deploys.
Release release_of(const Scene& scene);

/// kong.conf before a scene, and as the scene would have it.
std::string from_text(const Stage& stage, const Scene& scene);
std::string to_text(const Stage& stage, const Scene& scene);

struct Performance {
  Told told;
  std::size_t calls = 0;
  std::optional<int> status;  // of the agent, where it ended before we ended it
};

/// Sets the stage for a scene; Kong runs then, unless it is RecoverAtBoot.
void begin(const Stage& stage, const Scene& scene);

/// Plays a scene on a host as it is, and ends the agent at its end.
/// `at_the_end` is called before that.
Performance perform(const Stage& stage, const Scene& scene, Decide decide,
                    const std::function<void(const Told&)>& at_the_end = {});

}  // namespace kongfleet::crash
