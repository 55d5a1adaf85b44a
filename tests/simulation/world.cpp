// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/world.hpp"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <utility>

// Asio has one timer of the kernel's in each loop, and looks at its own ones when that is due. Here
// it always is, and nobody sets it: that was half of the time of a story.
int timerfd_create(clockid_t, int) noexcept { return ::eventfd(1, EFD_CLOEXEC); }
int timerfd_settime(int, int, const itimerspec*, itimerspec*) noexcept { return 0; }

namespace kongfleet::simulation {

namespace {

// More than any rollout of these sizes needs, whatever happens to it.
constexpr std::size_t events_max = 60'000;
constexpr auto time_max = std::chrono::hours(48);
constexpr std::int64_t wall_start_ms = 1'795'000'000'000;
constexpr std::uint64_t prime = 0x100000001b3U;

}  // namespace

World::World(std::uint64_t seed, std::vector<std::string>* trace)
    : chance(seed), trace_(trace), start_(std::chrono::hours(1000)), now_(start_) {
  Clock::source = this;
}

World::~World() { Clock::source = nullptr; }

std::int64_t World::wall_ms() {
  return wall_start_ms + std::chrono::duration_cast<milliseconds>(now_ - start_).count();
}

// The loop looks at its timers at every turn then, and we learn when the next one is due.
Duration World::sleep(Duration wait) {
  if (polled_ != nullptr) polled_->next_ = now_ + wait;
  return Duration::zero();
}

void World::after(Duration wait, std::function<void()> deed) {
  queue_.push({now_ + wait, numbers_++, std::move(deed)});
}

void World::after_events(std::size_t count, std::function<void()> deed) {
  plots_.emplace(events_ + count, std::move(deed));
}

void World::violated(const std::string& what) {
  if (!violation_.empty()) return;
  violation_ = what;
  tell("VIOLATED: " + what);
}

void World::note(const char* what, std::size_t host, std::uint64_t detail) {
  const auto mix = [this](std::uint64_t value) { digest_ = (digest_ ^ value) * prime; };
  for (const char* at = what; *at != '\0'; ++at) mix(static_cast<std::uint8_t>(*at));
  mix(host);
  mix(detail);
  mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  if (traced()) {
    tell("host " + std::to_string(host) + ": " + what +
         (detail == 0 ? "" : " " + std::to_string(detail)));
  }
}

void World::tell(const std::string& text) {
  if (!traced()) return;
  const auto ms = std::chrono::duration_cast<milliseconds>(now_ - start_).count();
  char head[48];
  std::snprintf(head, sizeof head, "%6zu %10.3f s  ", events_, static_cast<double>(ms) / 1000.0);
  trace_->push_back(head + text);
}

void World::happened() {
  ++events_;
  if (events_ > events_max || now_ - start_ > time_max) violated("it comes to no end");
  if (check) check();
  while (!plots_.empty() && plots_.begin()->first <= events_ && violation_.empty()) {
    auto deed = std::move(plots_.begin()->second);
    plots_.erase(plots_.begin());
    deed();
  }
}

// What a handler throws ends the process it is of, and that may not be the one that is waited for.
bool World::poll(SimulatedLoop& loop) {
  polled_ = &loop;
  bool ran = true;
  try {
    ran = loop.io().poll_one() > 0;
  } catch (...) {
    loop.thrown_ = std::current_exception();
  }
  polled_ = nullptr;
  return ran;
}

bool World::turn() {
  for (auto* loop : loops_) {
    if (loop->killed_ || loop->stalled_until_ > now_ || loop->io().stopped()) continue;
    if (loop->thrown_) continue;
    loop->next_.reset();
    if (poll(*loop)) {
      happened();
      return true;
    }
  }
  return false;
}

bool World::advance(std::optional<Time> until) {
  std::optional<Time> next = until;
  for (auto* loop : loops_) {
    if (loop->killed_ || loop->thrown_ || loop->io().stopped()) continue;
    auto due = loop->next_;
    if (loop->stalled_until_ > now_) due = loop->stalled_until_;
    if (due && (!next || *due < *next)) next = due;
  }
  if (!queue_.empty() && (!next || queue_.top().at <= *next)) {
    now_ = std::max(now_, queue_.top().at);
    const auto deed = queue_.top().deed;
    queue_.pop();
    deed();
    happened();
    return true;
  }
  if (!next) return false;
  now_ = std::max(now_, *next);
  return true;
}

void World::run(SimulatedLoop& loop) {
  while (true) {
    if (!violation_.empty()) throw WorldEnded();
    if (loop.killed_) throw Killed();
    if (loop.thrown_) std::rethrow_exception(std::exchange(loop.thrown_, nullptr));
    if (loop.io().stopped()) return;
    if (turn() || loop.io().stopped()) continue;
    if (!advance(std::nullopt)) violated("a controller waits for nothing");
  }
}

void World::pass(Duration time) {
  const auto end = now_ + time;
  while (now_ < end) {
    if (!violation_.empty()) throw WorldEnded();
    if (!turn()) advance(end);
  }
}

SimulatedLoop::SimulatedLoop(World& world) : world_(world) { world.loops_.push_back(this); }

SimulatedLoop::~SimulatedLoop() {
  auto& loops = world_.loops_;
  loops.erase(std::find(loops.begin(), loops.end(), this));
}

}  // namespace kongfleet::simulation
