// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/loss_cases.hpp"

#include "proto/error.hpp"

#include <array>

namespace kongfleet::power {

void each_loss(const Recording& recording, const LossSearch& search,
               const std::function<bool(const FoundState&)>& look) {
  std::set<KnownState> seen = search.known;
  std::mt19937_64 random(search.thoroughness.seed);
  std::size_t marks = 0;
  Timeline timeline(recording, search.missing);
  do {
    const auto& moment = timeline.now();
    const bool marked =
        moment.events > 0 && std::holds_alternative<Mark>(recording.events[moment.events - 1]);
    if (marked) ++marks;
    for (auto& loss : losses_at(recording, moment, search.thoroughness, random)) {
      auto disk = loss.state(recording, moment);
      const auto digest = disk.digest();
      if (!seen.insert({digest, marks}).second) continue;
      if (!look({std::move(loss), marks, std::move(disk), digest})) return;
    }
  } while (timeline.advance());
}

void each_case(const Recording& recording, const std::set<std::string>& missing,
               const std::vector<LossCase>& cases,
               const std::function<void(const LossCase&, const DiskTree&)>& try_one) {
  Timeline timeline(recording, missing);
  for (const auto& one : cases) {
    while (timeline.now().events < one.loss.events) {
      if (!timeline.advance()) throw Error("the recording ends before this loss of power");
    }
    try_one(one, one.loss.state(recording, timeline.now()));
  }
}

namespace {

std::string text_of(const DiskChange& change) {
  constexpr std::array kinds = {"make", "remove", "move", "exchange", "write", "resize", "protect"};
  auto text = std::string(kinds.at(static_cast<std::size_t>(change.kind))) + " inode " +
              std::to_string(change.inode);
  if (change.is_name()) {
    text += " as '" + change.name + "' in inode " + std::to_string(change.directory);
  } else if (!change.bytes.empty()) {
    text +=
        ": " + std::to_string(change.bytes.size()) + " bytes at " + std::to_string(change.offset);
  }
  return text;
}

std::string text_of(const DiskSync& sync) {
  return "sync inode " + std::to_string(sync.inode) + " at " + sync.site;
}

std::string text_of(const Mark& mark) { return mark.text; }

}  // namespace

std::string describe(const Recording& recording, const PowerLoss& loss,
                     const std::set<std::string>& missing) {
  const auto event = [&](std::size_t number) {
    return std::to_string(number) + " " +
           std::visit([](const auto& one) { return text_of(one); }, recording.events[number]);
  };
  Timeline timeline(recording, missing);
  while (timeline.now().events < loss.events && timeline.advance()) continue;
  std::string text = loss.events == 0 ? "" : "after " + event(loss.events - 1) + "\n";
  const auto& pending = timeline.now().pending;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    const bool torn = loss.torn && loss.torn->pending == i;
    text += std::string(torn              ? "  torn "
                        : loss.kept.at(i) ? "  kept "
                                          : "  lost ") +
            event(pending[i]) + "\n";
  }
  return text;
}

std::set<std::string> sites_of(const Recording& recording) {
  std::set<std::string> sites;
  for (const auto& event : recording.events) {
    const auto* sync = std::get_if<DiskSync>(&event);
    if (sync != nullptr && sync->site != editors_site) sites.insert(sync->site);
  }
  return sites;
}

}  // namespace kongfleet::power
