// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/resume_decision.hpp"

#include <catch2/catch.hpp>

#include <vector>

namespace kongfleet::controller {

namespace {

using P = HostPhase;
using A = HostAnswer;

struct Row {
  P remembered;
  A answer;
  P after_death;
  P after_stop;
  P to_take_back;
};

// "Waiting" for anything but a host that was waiting means that it begins anew.
const std::vector<Row> table = {
    {P::Changing, A::Silent, P::Lost, P::Lost, P::Lost},
    {P::Changing, A::Unknown, P::Waiting, P::Waiting, P::Back},
    {P::Changing, A::Trial, P::Trial, P::Trial, P::Trial},
    {P::Changing, A::Undone, P::Waiting, P::Waiting, P::Back},
    {P::Changing, A::Failed, P::Back, P::Waiting, P::Back},
    {P::Changing, A::Refused, P::Refused, P::Waiting, P::Refused},
    {P::Changing, A::Stranded, P::Stranded, P::Stranded, P::Stranded},
    {P::Trial, A::Silent, P::Lost, P::Lost, P::Lost},
    {P::Trial, A::Unknown, P::Waiting, P::Waiting, P::Back},
    {P::Trial, A::Trial, P::Trial, P::Trial, P::Trial},
    {P::Trial, A::Kept, P::Done, P::Done, P::Done},
    {P::Trial, A::Undone, P::Waiting, P::Waiting, P::Back},
    {P::Trial, A::Failed, P::Back, P::Waiting, P::Back},
    {P::Trial, A::Stranded, P::Stranded, P::Stranded, P::Stranded},
    {P::Confirming, A::Silent, P::Lost, P::Lost, P::Lost},
    {P::Confirming, A::Trial, P::Trial, P::Trial, P::Trial},
    {P::Confirming, A::Kept, P::Done, P::Done, P::Done},
    {P::Confirming, A::Undone, P::Waiting, P::Waiting, P::Back},
    {P::Confirming, A::Failed, P::Back, P::Waiting, P::Back},
    {P::Reverting, A::Silent, P::Lost, P::Lost, P::Lost},
    {P::Reverting, A::Trial, P::Trial, P::Trial, P::Trial},
    {P::Reverting, A::Kept, P::Done, P::Done, P::Done},
    {P::Reverting, A::Undone, P::Back, P::Waiting, P::Back},
    {P::Reverting, A::Unknown, P::Waiting, P::Waiting, P::Back},
    {P::Lost, A::Silent, P::Lost, P::Lost, P::Lost},
    {P::Lost, A::Trial, P::Trial, P::Trial, P::Trial},
    {P::Lost, A::Kept, P::Done, P::Done, P::Done},
    {P::Lost, A::Undone, P::Waiting, P::Waiting, P::Back},
    {P::Kept, A::Silent, P::Kept, P::Kept, P::Kept},
    {P::Kept, A::Unknown, P::Done, P::Done, P::Done},
    {P::Kept, A::Kept, P::Done, P::Done, P::Done},
    {P::Stranded, A::Undone, P::Stranded, P::Waiting, P::Back},
    {P::Stranded, A::Stranded, P::Stranded, P::Stranded, P::Stranded},
    {P::Waiting, A::Silent, P::Waiting, P::Waiting, P::Waiting},
    {P::Done, A::Silent, P::Done, P::Done, P::Done},
    {P::Unchanged, A::Silent, P::Unchanged, P::Unchanged, P::Unchanged},
    {P::Back, A::Silent, P::Back, P::Waiting, P::Back},
    {P::Refused, A::Silent, P::Refused, P::Waiting, P::Refused},
    {P::Unreachable, A::Silent, P::Unreachable, P::Waiting, P::Unreachable},
};

void check(const Row& row, TakenUp why, P wanted) {
  INFO(phase_name(row.remembered) << ", answer " << static_cast<int>(row.answer) << ", why "
                                  << static_cast<int>(why));
  const auto taken = take_up(row.remembered, row.answer, why);
  CHECK(taken.phase == wanted);
  CHECK(taken.anew == (wanted == P::Waiting && row.remembered != P::Waiting));
}

}  // namespace

TEST_CASE("what a remembered phase and the host's answer mean when a rollout is taken up again") {
  for (const auto& row : table) {
    check(row, TakenUp::AfterDeath, row.after_death);
    check(row, TakenUp::AfterStop, row.after_stop);
    check(row, TakenUp::ToTakeBack, row.to_take_back);
  }
}

TEST_CASE("no host is left in the air when a rollout is taken up again") {
  for (const auto remembered :
       {P::Waiting, P::Changing, P::Trial, P::Confirming, P::Done, P::Unchanged, P::Reverting,
        P::Back, P::Refused, P::Unreachable, P::Lost, P::Stranded, P::Kept}) {
    for (const auto answer : {A::Silent, A::Unknown, A::Trial, A::Kept, A::Undone, A::Failed,
                              A::Refused, A::Stranded}) {
      for (const auto why : {TakenUp::AfterDeath, TakenUp::AfterStop, TakenUp::ToTakeBack}) {
        const auto phase = take_up(remembered, answer, why).phase;
        CHECK(phase != P::Changing);
        CHECK(phase != P::Confirming);
        CHECK(phase != P::Reverting);
        // What goes back does not begin anything.
        const bool begins = phase == P::Waiting && remembered != P::Waiting;
        CHECK_FALSE((why == TakenUp::ToTakeBack && begins));
      }
    }
  }
}

}  // namespace kongfleet::controller
