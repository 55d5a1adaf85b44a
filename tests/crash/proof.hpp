// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/proof_entry.hpp"
#include "tests/crash/recovery.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace kongfleet::crash {

/// How many lanes these proofs use: most of a case's time is the agent's own waiting.
constexpr unsigned lanes_at_once = 16;

/// One case of a proof: its name is what replays it, `crash-proof PROOF CASE`.
struct Case {
  std::string name;
  std::function<Complaints(const Stage&)> play;
};

/// What a proof was about, for proof.json.
struct Claim {
  std::string proof;    // "kill-points"
  std::string promise;  // "P1 P3"
  std::string file;     // the entry's file, "mutants-calls"
};

/// Plays every case whose name begins with `only`, each on a fresh stage's host, in lanes. Prints
/// what is wrong and how to see it again, and writes the entry of proof.json. The exit code.
int prove(const Claim& claim, const std::vector<Case>& cases, const std::string& only);

/// The mutating calls each scene makes when nothing interferes, as text; what such a run must end
/// with is checked. Throws Error when it does not.
std::vector<std::vector<std::string>> rehearse(const std::vector<Scene>& rehearsed);

/// "call 17 (rename a -> b)"
std::string named_call(const std::vector<std::string>& calls, std::size_t number);

}  // namespace kongfleet::crash
