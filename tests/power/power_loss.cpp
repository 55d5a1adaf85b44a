// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/power_loss.hpp"

#include "proto/error.hpp"

#include <algorithm>
#include <charconv>

namespace kongfleet::power {

namespace {

const DiskChange& change_at(const Recording& recording, std::size_t event) {
  return std::get<DiskChange>(recording.events[event]);
}

bool lasts_by(const DiskChange& change, const DiskSync& sync) {
  if (change.is_name()) return sync.inode == change.directory;
  if (change.kind == DiskChange::Kind::Protect && sync.data_only) return false;
  return sync.inode == change.inode;
}

}  // namespace

Timeline::Timeline(const Recording& recording, std::set<std::string> missing)
    : recording_(recording), missing_(std::move(missing)) {
  moment_.durable = recording.before;
}

bool Timeline::advance() {
  if (moment_.events == recording_.events.size()) return false;
  const auto& event = recording_.events[moment_.events];
  if (std::holds_alternative<DiskChange>(event)) moment_.pending.push_back(moment_.events);
  const auto* synced = std::get_if<DiskSync>(&event);
  if (synced != nullptr && !missing_.contains(synced->site)) sync(*synced);
  ++moment_.events;
  return true;
}

// Changes of one thing become durable by the same syncs, so that none overtakes another.
void Timeline::sync(const DiskSync& sync) {
  std::erase_if(moment_.pending, [&](std::size_t event) {
    const auto& change = change_at(recording_, event);
    const bool lasts = lasts_by(change, sync);
    if (lasts) moment_.durable.apply(change);
    return lasts;
  });
  drop_unreachable();
}

// What happened to a file that no name can lead to any more need not be decided.
void Timeline::drop_unreachable() {
  for (bool dropped = true; dropped;) {
    std::vector<bool> named;
    moment_.durable.reach(disk_root, named);
    for (const auto event : moment_.pending) {
      const auto& change = change_at(recording_, event);
      if (change.is_name()) moment_.durable.reach(change.inode, named);
    }
    dropped = std::erase_if(moment_.pending, [&](std::size_t event) {
                const auto& change = change_at(recording_, event);
                const auto changed = change.is_name() ? change.directory : change.inode;
                return !named[static_cast<std::size_t>(changed)];
              }) > 0;
  }
}

DiskTree PowerLoss::state(const Recording& recording, const Moment& moment) const {
  if (kept.size() != moment.pending.size()) throw Error("this loss of power is another moment's");
  auto tree = moment.durable;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto& change = change_at(recording, moment.pending[i]);
    if (torn && torn->pending == i) {
      tree.apply_torn(change, torn->from, torn->to);
    } else if (kept[i]) {
      tree.apply(change);
    }
  }
  return tree;
}

std::string PowerLoss::text() const {
  auto text = std::to_string(events) + ":";
  for (const bool one : kept) text += one ? '1' : '0';
  if (torn) {
    text += ":" + std::to_string(torn->pending) + "/" + std::to_string(torn->from) + "-" +
            std::to_string(torn->to);
  }
  return text;
}

PowerLoss PowerLoss::parse(const std::string& text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](char behind) {
    std::size_t value = 0;
    const auto [stop, failed] = std::from_chars(at, end, value);
    const bool right = failed == std::errc() && (stop == end ? behind == '\0' : *stop == behind);
    if (!right) throw Error("'" + text + "' names no loss of power");
    at = stop + (stop == end ? 0 : 1);
    return value;
  };
  PowerLoss loss;
  loss.events = number(':');
  for (; at != end && *at != ':'; ++at) loss.kept.push_back(*at == '1');
  if (at == end) return loss;
  ++at;
  loss.torn.emplace();
  loss.torn->pending = number('/');
  loss.torn->from = number('-');
  loss.torn->to = number('\0');
  return loss;
}

namespace {

/// Lists losses at one moment.
class Losses {
public:
  Losses(const Recording& recording, const Moment& moment)
      : recording_(recording), moment_(moment), count_(moment.pending.size()) {}

  template <class Keep>
  void add(Keep keep) {
    found_.push_back(loss(keep));
  }
  void add_kinds();
  void add_each();
  void add_random(std::size_t subsets, std::mt19937_64& random);
  void add_torn();
  std::vector<PowerLoss> take() { return std::move(found_); }

private:
  const DiskChange& change(std::size_t i) const {
    return change_at(recording_, moment_.pending[i]);
  }
  template <class Keep>
  PowerLoss loss(Keep keep) const {
    PowerLoss loss{moment_.events, std::vector<bool>(count_), {}};
    for (std::size_t i = 0; i < count_; ++i) loss.kept[i] = keep(i);
    return loss;
  }

  const Recording& recording_;
  const Moment& moment_;
  std::size_t count_;
  std::vector<PowerLoss> found_;
};

void Losses::add_kinds() {
  add([](std::size_t) { return false; });
  add([](std::size_t) { return true; });
  add([&](std::size_t i) { return change(i).is_name(); });
  add([&](std::size_t i) { return !change(i).is_name(); });
}

void Losses::add_each() {
  for (std::size_t one = 0; one < count_; ++one) {
    add([&](std::size_t i) { return i != one; });
    add([&](std::size_t i) { return i == one; });
    add([&](std::size_t i) { return i < one; });
  }
}

void Losses::add_random(std::size_t subsets, std::mt19937_64& random) {
  if (count_ < 2) return;  // all of them were there already
  for (std::size_t n = 0; n < subsets; ++n) {
    // Few kept, many kept, and everything in between.
    const auto odds = std::uniform_int_distribution<unsigned>(1, 9)(random);
    std::uniform_int_distribution<unsigned> ten(1, 10);
    add([&](std::size_t) { return ten(random) <= odds; });
  }
}

// A write may end anywhere, begin late (its first pages were not written back), or have made the
// file longer without a byte of it being there.
void Losses::add_torn() {
  constexpr std::size_t sector = 512;
  constexpr std::size_t torn_writes = 3;  // earlier ones were looked at when they were the last
  std::size_t writes = 0;
  for (std::size_t i = count_; i-- > 0 && writes < torn_writes;) {
    if (change(i).kind != DiskChange::Kind::Write) continue;
    ++writes;
    const auto size = change(i).bytes.size();
    std::set<std::pair<std::size_t, std::size_t>> ranges = {
        {0, 1}, {0, size / 2}, {0, size - 1}, {size / 2, size}, {size, size}};
    if (size > sector) ranges.insert({{0, sector}, {sector, size}});
    for (const auto& [from, to] : ranges) {
      for (const bool others : {false, true}) {
        auto torn = loss([&](std::size_t) { return others; });
        torn.torn = PowerLoss::Torn{i, from, to};
        found_.push_back(torn);
      }
      auto names = loss([&](std::size_t other) { return change(other).is_name(); });
      names.torn = PowerLoss::Torn{i, from, to};
      found_.push_back(names);
    }
  }
}

}  // namespace

std::vector<PowerLoss> losses_at(const Recording& recording, const Moment& moment,
                                 const Thoroughness& thoroughness, std::mt19937_64& random) {
  Losses losses(recording, moment);
  losses.add_kinds();
  if (thoroughness.each_change) {
    losses.add_each();
    losses.add_torn();
  }
  losses.add_random(thoroughness.random_subsets, random);
  return losses.take();
}

}  // namespace kongfleet::power
