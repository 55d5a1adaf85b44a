// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/proof.hpp"

#include "tests/crash/lane.hpp"
#include "tests/crash/proof_entry.hpp"

#include <iostream>
#include <sstream>

namespace kongfleet::crash {

namespace {

constexpr std::size_t shown_max = 20;  // bad cases in full; the rest only by name
constexpr std::size_t log_shown = 1500;

std::string joined(const Complaints& complaints) {
  std::string text;
  for (const auto& complaint : complaints) text += "  " + complaint + "\n";
  return text;
}

/// The end of what the agent said.
std::string log_of(const CrashHost& host) {
  if (!fs::exists(host.log())) return "";
  auto text = content_of(host.log());
  if (text.size() > log_shown) text.erase(0, text.size() - log_shown);
  return text;
}

std::string rehearse_one(const Stage& stage, const Scene& scene) {
  std::string calls;
  begin(stage, scene);
  const auto seen = perform(stage, scene, [&](const MutatingCall& call) {
    calls += call.text() + "\n";
    return Fate{};
  });
  const bool boot = scene.deed == Scene::Deed::RecoverAtBoot;
  const auto recovery = boot ? Recovery::AtBoot : Recovery::Serving;
  const auto found = check_undisturbed(stage, scene, seen, recovery);
  return found.empty() ? calls : "!" + joined(found) + log_of(stage.host());
}

}  // namespace

int prove(const Claim& claim, const std::vector<Case>& all, const std::string& only) {
  std::vector<Case> cases;
  for (const auto& one : all)
    if (one.name.starts_with(only)) cases.push_back(one);
  ProofEntry entry(claim.proof, claim.promise, claim.file);
  const auto told = in_lanes({.jobs = cases.size(), .lanes = lanes_at_once}, [&cases] {
    auto stage = std::make_shared<Stage>();
    return [stage, &cases](std::size_t number) {
      try {
        const auto found = cases[number].play(*stage);
        return found.empty() ? std::string() : joined(found) + log_of(stage->host());
      } catch (const std::exception& error) {
        return "  " + std::string(error.what()) + "\n" + log_of(stage->host());
      }
    };
  });
  entry.count = cases.size();
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (told[i].empty()) continue;
    const bool shown = ++entry.bad <= shown_max;
    std::cerr << cases[i].name << ": " << (shown ? "\n" + told[i] : "bad, likewise? ")
              << "again with: crash-proof " << claim.proof << " '" << cases[i].name << "'\n";
  }
  if (cases.empty()) throw Error("no case begins with '" + only + "'");
  entry.write();
  return entry.bad == 0 ? 0 : 1;
}

std::vector<std::vector<std::string>> rehearse(const std::vector<Scene>& rehearsed) {
  const auto told =
      in_lanes({.jobs = rehearsed.size(), .lanes = lanes_at_once}, [&rehearsed]() -> Job {
        auto stage = std::make_shared<Stage>();
        return [stage, &rehearsed](std::size_t i) { return rehearse_one(*stage, rehearsed[i]); };
      });
  std::vector<std::vector<std::string>> calls;
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (told[i].starts_with("!") || told[i].empty())
      throw Error("rehearsal of '" + std::string(rehearsed[i].name) + "':\n" + told[i]);
    std::istringstream lines(told[i]);
    auto& list = calls.emplace_back();
    for (std::string line; std::getline(lines, line);) list.push_back(line);
  }
  return calls;
}

std::string named_call(const std::vector<std::string>& calls, std::size_t number) {
  return "call " + std::to_string(number) + " (" + calls.at(number - 1) + ")";
}

}  // namespace kongfleet::crash
