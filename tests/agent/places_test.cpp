// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/places.hpp"

#include "agent/fd.hpp"

#include <catch2/catch.hpp>
#include <poll.h>
#include <sys/socket.h>

#include <deque>

using namespace kongfleet::agent;
using namespace std::chrono_literals;

namespace {

constexpr uid_t root = 0;
constexpr uid_t login = 999;

/// Conversations that begin one after the other, a second apart.
class Hall {
public:
  struct Guest {
    Fd channel;
    Fd far_end;
    std::unique_ptr<Place> place;
    bool hung_up() const {
      pollfd event{channel.get(), POLLIN, 0};
      return ::poll(&event, 1, 0) == 1;
    }
  };
  /// Nothing where it was turned away.
  Guest* enter(uid_t user) {
    now += 1s;
    auto place = places_.take(user, now);
    if (!place) return nullptr;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    place->talks_over(ends[0]);
    return &guests_.emplace_back(Guest{Fd(ends[0]), Fd(ends[1]), std::move(place)});
  }
  void enter(int count, uid_t user) {
    for (int i = 0; i < count; ++i) REQUIRE(enter(user) != nullptr);
  }
  Guest& guest(std::size_t index) { return guests_[index]; }
  void all_are_heard() {
    for (const auto& each : guests_) each.place->listens(now);
  }
  Places::Clock::time_point now{};

private:
  Places places_;
  std::deque<Guest> guests_;  // where they stand they stay
};

}  // namespace

TEST_CASE("whoever takes all places there are for him does not take root's") {
  Hall hall;
  hall.enter(28, login);
  hall.all_are_heard();
  CHECK(hall.enter(login) == nullptr);
  hall.enter(4, root);
  hall.all_are_heard();
  CHECK(hall.enter(root) == nullptr);
}

TEST_CASE("the conversation that has been quiet longest makes room, once it was for a while") {
  Hall hall;
  hall.enter(28, login);
  hall.all_are_heard();
  hall.guest(7).place->listens(hall.now - 1s);
  hall.now += 7s;
  CHECK(hall.enter(login) == nullptr);
  CHECK_FALSE(hall.guest(7).hung_up());
  CHECK(hall.enter(login) != nullptr);
  for (std::size_t i = 0; i < 28; ++i) CHECK(hall.guest(i).hung_up() == (i == 7));
}

TEST_CASE("who looks after a trial or is being served makes room for nobody") {
  Hall hall;
  hall.enter(28, login);
  hall.guest(0).place->speaks();
  hall.guest(1).place->leads();
  hall.now += 1min;
  CHECK(hall.enter(login) != nullptr);
  CHECK(hall.guest(2).hung_up());
  hall.guest(0).place->listens(hall.now);
  hall.guest(3).place->leads();  // the trial is in others' hands
  CHECK(hall.enter(login) != nullptr);
  CHECK(hall.guest(1).hung_up());
  CHECK_FALSE(hall.guest(0).hung_up());
  CHECK_FALSE(hall.guest(3).hung_up());
}

TEST_CASE("root's conversations make room for root's only") {
  Hall hall;
  hall.enter(4, root);
  hall.enter(28, login);
  hall.all_are_heard();
  hall.guest(0).place->listens(hall.now - 1h);
  CHECK(hall.enter(login) == nullptr);
  CHECK(hall.enter(root) != nullptr);
  CHECK(hall.guest(0).hung_up());
}

TEST_CASE("a place that was given back is another's at once") {
  Hall hall;
  hall.enter(28, login);
  hall.all_are_heard();
  hall.guest(20).place.reset();
  CHECK(hall.enter(login) != nullptr);
  CHECK(hall.enter(login) == nullptr);
}
