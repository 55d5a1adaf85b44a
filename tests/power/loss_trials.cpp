// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/loss_trials.hpp"

#include "proto/error.hpp"
#include "tests/crash/lane.hpp"
#include "tests/power/lost_host.hpp"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>

namespace kongfleet::power {

namespace {

constexpr unsigned lanes = 12;               // much of a recovery is the agent's own waiting
constexpr unsigned lane_limit = 300;         // seconds for one job
constexpr std::size_t batch = 50;            // states that are one job
constexpr std::size_t mutant_states = 4000;  // tried before a sync is said to be needless

std::string on_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', '|');
  return text;
}

// Every other state finds no room on the disk.
Room room_of(const DiskTree& disk) {
  return disk.digest().hex().front() < '8' ? Room::None : Room::Enough;
}

std::string either_way(const LostHost& host, const DiskTree& disk,
                       const std::set<std::size_t>& marks) {
  const auto complaint = host.why_bad_after(disk, marks, Room::Enough);
  return complaint.empty() ? host.why_bad_after(disk, marks, Room::None) : complaint;
}

/// Does jobs on lost hosts; what each told.
template <class Do>
std::vector<std::string> on_lost_hosts(const Recording& recording, std::size_t jobs, Do act) {
  return crash::in_lanes({jobs, lanes, lane_limit}, [&]() -> crash::Job {
    return [&act, host = std::make_shared<LostHost>(recording)](std::size_t number) {
      return act(*host, number);
    };
  });
}

}  // namespace

// Random subsets make up for what is missing at the number of states.
LossTrials::LossTrials(const Recording& recording, std::size_t states) : recording_(recording) {
  const HostTexts texts(recording);
  std::map<Digest, std::size_t> places;
  for (Thoroughness thoroughness; cases_.size() < states; ++thoroughness.seed) {
    each_loss(recording, {{}, thoroughness, known_}, [&](const FoundState& found) {
      known_.insert({found.digest, found.marks});
      if (texts.torn_by_others(found.disk)) return true;
      const auto [place, fresh] = places.emplace(found.digest, cases_.size());
      if (fresh) cases_.push_back({found.loss, {}});
      cases_[place->second].marks.insert(found.marks);
      return true;
    });
    thoroughness.random_subsets += 1 + thoroughness.random_subsets / 2;
    if (thoroughness.random_subsets > states) throw Error("the recording has too few states");
  }
  std::stable_sort(cases_.begin(), cases_.end(), [](const auto& one, const auto& other) {
    return one.loss.events < other.loss.events;
  });
}

void LossTrials::draw(std::size_t most, std::uint64_t seed) {
  std::vector<LossCase> drawn;
  std::sample(cases_.begin(), cases_.end(), std::back_inserter(drawn), most, std::mt19937_64(seed));
  cases_ = std::move(drawn);
}

// What takes an agent long, a person's edit say, does so in all states of a stretch of moments:
// each job has states from all over the life.
std::vector<std::string> LossTrials::bad_ones() const {
  const auto jobs = (cases_.size() + batch - 1) / batch;
  const auto told = on_lost_hosts(recording_, jobs, [&](const LostHost& host, std::size_t number) {
    std::vector<LossCase> cases;
    for (auto at = number; at < cases_.size(); at += jobs) cases.push_back(cases_[at]);
    std::string bad;
    each_case(recording_, {}, cases, [&](const LossCase& one, const DiskTree& disk) {
      const auto complaint = host.why_bad_after(disk, one.marks, room_of(disk));
      if (!complaint.empty()) bad += one.loss.text() + " " + on_one_line(complaint) + "\n";
    });
    return bad;
  });
  std::vector<std::string> bad;
  for (const auto& text : told) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) bad.push_back(line);
  }
  return bad;
}

std::vector<std::string> LossTrials::missed(const std::vector<std::string>& sites) const {
  return on_lost_hosts(recording_, sites.size(), [&](const LostHost& host, std::size_t number) {
    std::string bad;
    std::size_t tried = 0;
    const HostTexts texts(recording_);
    // What is lost all together shows most of it, and is much less to try.
    for (const bool each_change : {false, true}) {
      const LossSearch search{{sites[number]}, {.each_change = each_change}, known_};
      each_loss(recording_, search, [&](const FoundState& found) {
        if (texts.torn_by_others(found.disk)) return true;
        const auto complaint = either_way(host, found.disk, {found.marks});
        if (!complaint.empty()) bad = found.loss.text() + " " + on_one_line(complaint);
        return bad.empty() && ++tried < mutant_states;
      });
      if (!bad.empty()) break;
    }
    return bad;
  });
}

std::string LossTrials::again(const Recording& recording, const PowerLoss& loss,
                              const std::set<std::string>& missing) {
  std::size_t marks = 0;
  for (std::size_t i = 0; i < loss.events; ++i) {
    if (std::holds_alternative<Mark>(recording.events.at(i))) ++marks;
  }
  const LossCase one{loss, {marks}};
  const auto told = on_lost_hosts(recording, 1, [&](const LostHost& host, std::size_t) {
    std::string bad;
    each_case(recording, missing, {one}, [&](const LossCase&, const DiskTree& disk) {
      std::cout << describe(recording, loss, missing) << disk.listing() << std::flush;
      for (const auto room : {Room::Enough, Room::None}) {
        if (bad.empty()) bad = host.why_bad_after(disk, one.marks, room);
        std::cout << "recovered:\n" << host.said() << std::flush;
      }
    });
    return bad;
  });
  return told.front();
}

}  // namespace kongfleet::power
