// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace kongfleet::agent {

/// Where a host's transaction is. The journal holds it; the last five are ends.
enum class Step {
  Stage,       // the generation is put together beside the others
  Preflight,   // Kong loads it in a scratch prefix
  Switch,      // kong.conf names it
  Reload,      // Kong is asked to read kong.conf
  Verify,      // every sign must agree, then the probes
  Trial,       // it serves; the controller's word is awaited
  Commit,      // it becomes the confirmed generation
  Restore,     // kong.conf names the confirmed generation again
  ReloadBack,  // Kong is asked to read it again
  VerifyBack,  // and must be seen serving it
  Committed,
  RolledBack,
  Refused,   // nothing was changed
  Stranded,  // the way back failed: a person must look
};

enum class Went { Well, Wrong };

/// The whole policy of a transaction: what follows a step. Ends stay where they are.
constexpr Step next(Step step, Went went) {
  const bool well = went == Went::Well;
  switch (step) {
    case Step::Stage:
      return well ? Step::Preflight : Step::Refused;  // nothing to undo yet
    case Step::Preflight:
      return well ? Step::Switch : Step::Refused;
    case Step::Switch:
      return well ? Step::Reload : Step::Restore;
    case Step::Reload:
      return well ? Step::Verify : Step::Restore;
    case Step::Verify:
      return well ? Step::Trial : Step::Restore;
    case Step::Trial:
      return well ? Step::Commit : Step::Restore;
    case Step::Commit:
      return well ? Step::Committed : Step::Restore;
    case Step::Restore:
      return well ? Step::ReloadBack : Step::Stranded;
    case Step::ReloadBack:
      return well ? Step::VerifyBack : Step::Stranded;
    case Step::VerifyBack:
      return well ? Step::RolledBack : Step::Stranded;
    case Step::Committed:
    case Step::RolledBack:
    case Step::Refused:
    case Step::Stranded:
      return step;
  }
  return Step::Stranded;
}

/// Where a transaction goes on whose agent died in `step`: as if the step had gone wrong, and a way
/// back that was begun is begun again. A stranded host is tried once more: what stranded it may be
/// gone.
constexpr Step after_death(Step step) {
  switch (step) {
    case Step::Restore:
    case Step::ReloadBack:
    case Step::VerifyBack:
    case Step::Stranded:
      return Step::Restore;
    default:
      return next(step, Went::Wrong);
  }
}

constexpr bool is_end(Step step) { return next(step, Went::Well) == step; }

static_assert(next(Step::Verify, Went::Wrong) == Step::Restore);
static_assert(after_death(Step::Trial) == Step::Restore);
static_assert(after_death(Step::Preflight) == Step::Refused);

/// "stage", "reload-back", "rolled-back", …: what the journal, the wire and people read.
std::string_view step_name(Step step);
std::optional<Step> step_of(std::string_view name);

}  // namespace kongfleet::agent
