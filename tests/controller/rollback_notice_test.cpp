// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollback_notice.hpp"

#include <catch2/catch.hpp>

#include "state_fixture.hpp"

namespace kongfleet::controller {

TEST_CASE("a rollback of some hosts says what becomes of the others of a paused rollout") {
  auto open = begun("rollout-1", 6);
  open.state = RolloutState::Paused;
  open.hosts[0].phase = HostPhase::Back;
  open.hosts[1].phase = HostPhase::Done;
  open.hosts[2].phase = HostPhase::Done;
  open.hosts[3].phase = HostPhase::Trial;
  CHECK(rollback_notice(open, {"host-1", "host-2"}) ==
        "rollout-1 of ops@deploy-1 is paused: this rollback ends it, and nobody can go on with it "
        "then; 4 of its 6 hosts are not selected and left alone: 1 with what it brought, 1 in "
        "trial or changing, to go back by itself, 2 untouched");
}

TEST_CASE("a rollback of all hosts only says that it ends the rollout") {
  const auto open = begun("rollout-1", 1);
  CHECK(rollback_notice(open, {"host-1"}) ==
        "rollout-1 of ops@deploy-1 is under way, or its controller died: this rollback ends it, "
        "and nobody can go on with it then");
}

}  // namespace kongfleet::controller
