// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/places.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace kongfleet::agent {

namespace {

constexpr std::ptrdiff_t places_max = 32;  // a controller needs one, people a few
constexpr std::ptrdiff_t places_of_others_max = 28;
constexpr auto quiet_min = std::chrono::seconds(10);  // nobody who is at work pauses so long

}  // namespace

bool Places::has_room(uid_t user) const {
  const auto counts = [](const Taken& each) { return !each.hung_up; };
  const auto others = [&](const Taken& each) { return counts(each) && each.user != 0; };
  return std::count_if(taken_.begin(), taken_.end(), counts) < places_max &&
         (user == 0 || std::count_if(taken_.begin(), taken_.end(), others) < places_of_others_max);
}

bool Places::make_room(uid_t user, Clock::time_point now) {
  auto quietest = taken_.end();
  for (auto each = taken_.begin(); each != taken_.end(); ++each) {
    if (each->hung_up || each->speaks || each->leads || each->channel < 0) continue;
    if (each->user == 0 && user != 0) continue;  // root makes room for root alone
    if (quietest == taken_.end() || each->quiet_since < quietest->quiet_since) quietest = each;
  }
  if (quietest == taken_.end() || now - quietest->quiet_since < quiet_min) return false;
  quietest->hung_up = true;  // it goes as soon as its thread sees that
  ::shutdown(quietest->channel, SHUT_RDWR);
  return has_room(user);
}

std::unique_ptr<Place> Places::take(uid_t user, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (!has_room(user) && !make_room(user, now)) return nullptr;
  taken_.push_back({user, now});
  return std::make_unique<Place>(*this, std::prev(taken_.end()));
}

Place::~Place() {
  const std::lock_guard lock(places_.mutex_);
  places_.taken_.erase(taken_);
}

void Place::talks_over(int channel) {
  const std::lock_guard lock(places_.mutex_);
  taken_->channel = channel;
}

void Place::speaks() {
  const std::lock_guard lock(places_.mutex_);
  taken_->speaks = true;
}

void Place::listens(Places::Clock::time_point now) {
  const std::lock_guard lock(places_.mutex_);
  taken_->speaks = false;
  taken_->quiet_since = now;
}

void Place::leads() {
  const std::lock_guard lock(places_.mutex_);
  for (auto& each : places_.taken_) each.leads = false;
  taken_->leads = true;
}

}  // namespace kongfleet::agent
