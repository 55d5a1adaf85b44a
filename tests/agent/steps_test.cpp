// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/steps.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace kongfleet::agent;

namespace {

const std::vector<Step> all{Step::Stage,      Step::Preflight,  Step::Switch,    Step::Reload,
                            Step::Verify,     Step::Trial,      Step::Commit,    Step::Restore,
                            Step::ReloadBack, Step::VerifyBack, Step::Committed, Step::RolledBack,
                            Step::Refused,    Step::Stranded};

}  // namespace

TEST_CASE("every step has a name that leads back to it") {
  for (const auto step : all) CHECK(step_of(step_name(step)) == step);
  CHECK_FALSE(step_of("nonsense"));
}

TEST_CASE("whatever goes wrong, a transaction ends within a few steps") {
  for (const auto start : all) {
    for (unsigned luck = 0; luck < 1024; ++luck) {
      auto step = start;
      unsigned steps = 0;
      while (!is_end(step)) {
        step = next(step, (luck >> steps & 1) != 0 ? Went::Well : Went::Wrong);
        REQUIRE(++steps <= 10);
      }
    }
  }
}

TEST_CASE("nothing that touched kong.conf ends as refused, and nothing unproven as committed") {
  for (const auto step : {Step::Switch, Step::Reload, Step::Verify, Step::Trial, Step::Commit}) {
    CHECK(next(step, Went::Wrong) == Step::Restore);
    CHECK(after_death(step) == Step::Restore);
  }
  for (const auto step : all) {
    if (next(step, Went::Well) == Step::Committed)
      CHECK((step == Step::Commit || step == Step::Committed));
    if (next(step, Went::Well) == Step::Trial) CHECK(step == Step::Verify);
  }
  for (const auto step : {Step::Restore, Step::ReloadBack, Step::VerifyBack, Step::Stranded}) {
    CHECK(after_death(step) == Step::Restore);
  }
  CHECK(after_death(Step::Stage) == Step::Refused);
}

TEST_CASE("a step that is none strands the host rather than going on") {
  const auto none = static_cast<Step>(99);
  CHECK(next(none, Went::Well) == Step::Stranded);
  CHECK(step_name(none) == "?");
}
