// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <list>
#include <memory>
#include <mutex>

namespace kongfleet::agent {

class Place;

/// The places for conversations: 32, of which 28 are for others than root. Who holds one login key
/// can take those; never root's, who has to be heard to take that key away. And where all are
/// taken, the conversation that has been quiet longest makes room, if that is 10 seconds: a
/// controller whose link is lost comes back. Only the one that looks after a trial is left alone.
/// Thread-safe.
class Places {
public:
  using Clock = std::chrono::steady_clock;
  /// For a peer of that user; nothing when there is none to be had. These outlive it.
  std::unique_ptr<Place> take(uid_t user, Clock::time_point now = Clock::now());

private:
  friend class Place;
  struct Taken {
    uid_t user;
    Clock::time_point quiet_since;
    int channel = -1;
    bool speaks = false;
    bool leads = false;
    bool hung_up = false;
  };
  bool has_room(uid_t user) const;
  bool make_room(uid_t user, Clock::time_point now);

  std::mutex mutex_;
  std::list<Taken> taken_;
};

/// One conversation's, given back with the object.
class Place {
public:
  Place(Places& places, std::list<Places::Taken>::iterator taken)
      : places_(places), taken_(taken) {}
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  /// The conversation's socket, -1 before it is closed: shut down when the place is wanted for
  /// another. Then the conversation ends as if its peer had hung up.
  void talks_over(int channel);
  /// What the peer said is being done, however long that takes.
  void speaks();
  /// The peer's next word is waited for.
  void listens(Places::Clock::time_point now = Places::Clock::now());
  /// It looks after a trial, and whoever did before does not: one place at most is kept that way.
  void leads();

private:
  Places& places_;
  std::list<Places::Taken>::iterator taken_;
};

}  // namespace kongfleet::agent
