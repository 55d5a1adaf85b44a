// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/clock.hpp"
#include "controller/event_loop.hpp"
#include "tests/simulation/chance.hpp"

#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <vector>

namespace kongfleet::simulation {

using controller::Clock;
using Time = Clock::time_point;
using Duration = Clock::duration;
using std::chrono::milliseconds;

/// Thrown out of a controller's event loop, where nothing of the controller's catches it: it was
/// killed, or an invariant was broken and the world ends. No std::exception, for coroutines catch
/// those.
struct Killed {};
struct WorldEnded {};

class SimulatedLoop;

/// Time, and all that happens in it, one event after the other: a handler of a controller's event
/// loop, or something of the model's. Time stands still while there is a handler that could run,
/// and jumps to the next timer or event then. Two worlds of one seed are the same, event by event.
class World final : public controller::ClockSource {
public:
  /// `trace`: where every event is told; null: nowhere.
  World(std::uint64_t seed, std::vector<std::string>* trace);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Chance chance;

  Time now() override { return now_; }
  std::int64_t wall_ms() override;
  Duration sleep(Duration wait) override;

  /// Something of the model's that happens in so long.
  void after(Duration wait, std::function<void()> deed);
  /// Something that is done between two events, once so many have happened from now on. It may
  /// run another controller.
  void after_events(std::size_t count, std::function<void()> deed);
  /// Forgets what was to be done so.
  void forget_plots() { plots_.clear(); }

  /// Called after every event.
  std::function<void()> check;
  /// An invariant is broken: the world ends after this event. The first one counts.
  void violated(const std::string& what);
  const std::string& violation() const { return violation_; }

  /// Adds to what a run is told by. `what` is a constant.
  void note(const char* what, std::size_t host, std::uint64_t detail = 0);
  bool traced() const { return trace_ != nullptr; }
  void tell(const std::string& text);
  std::uint64_t digest() const { return digest_; }
  std::size_t events() const { return events_; }

  /// Lets a controller's loop run to its end, and everything else meanwhile.
  void run(SimulatedLoop& loop);
  /// Lets time pass without waiting for a controller.
  void pass(Duration time);

private:
  friend class SimulatedLoop;
  struct Event {
    Time at;
    std::uint64_t number;
    std::function<void()> deed;
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : number > other.number;
    }
  };
  bool turn();
  bool poll(SimulatedLoop& loop);
  bool advance(std::optional<Time> until);
  void happened();

  std::vector<std::string>* trace_;
  Time start_;
  Time now_;
  std::uint64_t digest_ = 0xcbf29ce484222325U;
  std::size_t events_ = 0;
  std::uint64_t numbers_ = 0;
  std::priority_queue<Event> queue_;
  std::multimap<std::size_t, std::function<void()>> plots_;
  std::vector<SimulatedLoop*> loops_;
  SimulatedLoop* polled_ = nullptr;
  std::string violation_;
};

/// The event loop of one controller process.
class SimulatedLoop final : public controller::EventLoop {
public:
  explicit SimulatedLoop(World& world);
  ~SimulatedLoop() override;
  void run() override { world_.run(*this); }
  /// The process is dead: none of its handlers runs any more.
  void kill() { killed_ = true; }
  bool killed() const { return killed_; }
  /// It stands still, as a machine that sleeps does: its handlers run later.
  void stall(Duration time) {
    stalled_until_ = world_.now() + time;
    stalled_ = true;
  }
  bool has_stalled() const { return stalled_; }

private:
  friend class World;
  World& world_;
  std::optional<Time> next_;  // when its next timer is due
  Time stalled_until_{};
  std::exception_ptr thrown_;  // by one of its handlers, and not told to its process yet
  bool killed_ = false;
  bool stalled_ = false;
};

}  // namespace kongfleet::simulation
