// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_hold.hpp"

#include "controller/declined.hpp"
#include "controller/moment.hpp"
#include "controller/ousted.hpp"

#include <catch2/catch.hpp>
#include <soci/soci.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state_fixture.hpp"
#include <csignal>
#include <thread>

namespace kongfleet::controller {

namespace {

using Manner = FleetHold::Manner;

/// Another process that holds the fleet until it is killed.
class OtherController {
public:
  explicit OtherController(const StateFixture& state) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    child_ = ::fork();
    if (child_ == 0) {
      auto memory = state.open();
      const FleetHold hold(memory.database, "edge", this_holder("eve@box", "rollout rollout-7"),
                           Manner::Polite);
      [[maybe_unused]] const auto told = ::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
  }
  ~OtherController() { kill(); }
  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }

private:
  pid_t child_ = 0;
};

Holder me() { return this_holder("ops@box", "rollout rollout-8"); }

}  // namespace

TEST_CASE("the second controller is told who holds the fleet, since when, and doing what") {
  const StateFixture state;
  OtherController other(state);
  auto memory = state.open();
  std::string message;
  try {
    const FleetHold hold(memory.database, "edge", me(), Manner::Polite);
  } catch (const Declined& declined) {
    CHECK(declined.exit_code() == 75);
    message = declined.what();
  }
  CHECK(message.starts_with("eve@box holds this fleet since 20"));
  CHECK(message.find("rollout rollout-7") != std::string::npos);
  const FleetHold elsewhere(memory.database, "another fleet", me(), Manner::Polite);
  other.kill();
  const FleetHold hold(memory.database, "edge", me(), Manner::Polite);
  CHECK(holder_of(memory.database, "edge")->who == "ops@box");
}

TEST_CASE("since when is since it was taken, and not since its holder was last heard of") {
  const StateFixture state;
  auto memory = state.open();
  auto other = this_holder("eve@box", "rollout rollout-7");
  other.process = "1 2";
  other.machine = "another machine";
  other.since_ms -= 7'200'000;
  const FleetHold held(memory.database, "edge", other, Manner::Polite);
  const auto message =
      message_of([&] { FleetHold(memory.database, "edge", me(), Manner::Polite); });
  CHECK(time_text(other.since_ms) != time_text(other.renewed_ms));
  CHECK(message == "eve@box holds this fleet since " + time_text(other.since_ms) +
                       ": rollout rollout-7; try again when it is done");
}

TEST_CASE("who breaks the glass takes the fleet, and the other one hears of it") {
  const StateFixture state;
  auto memory = state.open();
  auto first = me();
  first.process = "1 2";  // not ours, and not alive
  first.machine = "another machine";
  FleetHold hold(memory.database, "edge", first, Manner::Polite);
  CHECK_NOTHROW(hold.renew());
  {
    const FleetHold breaker(memory.database, "edge", me(), Manner::BreakGlass);
    REQUIRE(breaker.ousted());
    CHECK(breaker.ousted()->process == "1 2");
    CHECK_THROWS_WITH(hold.renew(), "taken over by ops@box: rollout rollout-8");
  }
  CHECK_THROWS_AS(hold.renew(), Ousted);  // nor does it come back when that one is done
  CHECK_FALSE(holder_of(memory.database, "edge"));
}

TEST_CASE("a holder elsewhere that seems dead, because a clock was set, is listened for first") {
  const StateFixture state;
  auto memory = state.open();
  auto elsewhere = me();
  elsewhere.machine = "another boot";
  elsewhere.renewed_ms -= 3'600'000;
  const FleetHold held(memory.database, "edge", elsewhere, Manner::Polite);
  const auto listen = std::chrono::seconds(30);
  std::jthread renewing([&](const std::stop_token& stop) {
    auto other = state.open();
    for (auto renewed = elsewhere.renewed_ms; !stop.stop_requested(); ++renewed) {
      other.database.together([&](soci::session& sql) {
        sql << "UPDATE holders SET renewed_ms = :renewed", soci::use(renewed);
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  const auto began = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(FleetHold(memory.database, "edge", me(), Manner::Polite, listen), Declined);
  CHECK(std::chrono::steady_clock::now() - began < listen);
  renewing.request_stop();
  renewing.join();
  const FleetHold taken(memory.database, "edge", me(), Manner::Polite,
                        std::chrono::milliseconds(1));
  CHECK(holder_of(memory.database, "edge")->machine == me().machine);
}

TEST_CASE("a hold ends with its controller's work") {
  const StateFixture state;
  auto memory = state.open();
  { const FleetHold hold(memory.database, "edge", me(), Manner::Polite); }
  CHECK_FALSE(holder_of(memory.database, "edge"));
}

TEST_CASE("a holder on this machine lives as long as its process, elsewhere for a minute") {
  auto holder = me();
  const auto now = holder.renewed_ms;
  CHECK(lives(holder, now + 3'600'000));
  holder.process = std::to_string(::getpid()) + " 1";  // a process of that number from before
  CHECK_FALSE(lives(holder, now));
  holder.process = "";
  CHECK_FALSE(lives(holder, now));
  holder.machine = "another boot";
  CHECK(lives(holder, now + 59'000));
  CHECK_FALSE(lives(holder, now + 61'000));
  CHECK_FALSE(lives(holder, now - 61'000));
}

}  // namespace kongfleet::controller
