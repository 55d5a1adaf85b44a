// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/steps.hpp"

#include <array>
#include <utility>

namespace kongfleet::agent {

namespace {

constexpr std::array<std::pair<Step, std::string_view>, 14> names{{
    {Step::Stage, "stage"},
    {Step::Preflight, "preflight"},
    {Step::Switch, "switch"},
    {Step::Reload, "reload"},
    {Step::Verify, "verify"},
    {Step::Trial, "trial"},
    {Step::Commit, "commit"},
    {Step::Restore, "restore"},
    {Step::ReloadBack, "reload-back"},
    {Step::VerifyBack, "verify-back"},
    {Step::Committed, "committed"},
    {Step::RolledBack, "rolled-back"},
    {Step::Refused, "refused"},
    {Step::Stranded, "stranded"},
}};

}  // namespace

std::string_view step_name(Step step) {
  for (const auto& [known, name] : names) {
    if (known == step) return name;
  }
  return "?";
}

std::optional<Step> step_of(std::string_view name) {
  for (const auto& [step, known] : names) {
    if (known == name) return step;
  }
  return std::nullopt;
}

}  // namespace kongfleet::agent
