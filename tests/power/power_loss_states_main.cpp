// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// power-loss-states: records the life of a host (host_run.hpp), then has the real agent recover it
// from every state that loss of power may leave at any moment of it (power_loss.hpp). Then it takes
// the agent's syncs away, one after the other: for each, a state must turn up from which the agent
// does not recover; else nothing needs that sync. 10,400 states, drawn from all that were found;
// when KONGFLEET_DEEP is set all of them, at least 104,000. One of them again:
//
//   power-loss-states RECORDING LOSS [MISSING SITE]
#include "proto/error.hpp"
#include "tests/crash/lane.hpp"
#include "tests/crash/proof_entry.hpp"
#include "tests/power/files.hpp"
#include "tests/power/host_run.hpp"
#include "tests/power/loss_trials.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace kongfleet::power {

namespace {

namespace fs = std::filesystem;

/// One recorded life of a host.
struct Chapter {
  Life life;
  std::set<long> unsupported;
  std::size_t states;  // how many are to be tried, at least
  fs::path file;
  Recording recording;
};

void record(std::vector<Chapter>& chapters) {
  constexpr unsigned limit = 300;
  const auto told = crash::in_lanes({chapters.size(), 2, limit}, [&]() -> crash::Job {
    return [&](std::size_t number) {
      const crash::CrashHost host(crash::lane_directory() / "host");
      const auto& chapter = chapters[number];
      record_host(host, chapter.life, {chapter.unsupported, {}, chapter.life == Life::Core, {}})
          .save(chapter.file);
      return std::string();
    };
  });
  for (std::size_t number = 0; number < chapters.size(); ++number) {
    if (!told[number].empty()) throw Error("record the life of a host: " + told[number]);
    chapters[number].recording = Recording::load(chapters[number].file);
  }
}

/// Keeps a chapter's recording, and gives the command that shows one of its states again.
std::string again(const Chapter& chapter) {
  const auto kept =
      build_directory() / (chapter.file.filename().string() + "." + std::to_string(::getpid()));
  fs::copy_file(chapter.file, kept, fs::copy_options::overwrite_existing);
  return (build_directory() / "power-loss-states").string() + " " + kept.string() + " ";
}

/// Tells the first of them.
void tell(const Chapter& chapter, const std::vector<std::string>& bad) {
  constexpr std::size_t most = 5;
  for (std::size_t i = 0; i < std::min(most, bad.size()); ++i) {
    const auto space = bad[i].find(' ');
    std::cerr << "power-loss-states: " << bad[i].substr(space + 1)
              << "\n  again with: " << again(chapter) << bad[i].substr(0, space) << '\n';
  }
}

/// The syncs of all chapters that no state of any chapter needs.
std::set<std::string> needless(const std::vector<Chapter>& chapters,
                               const std::vector<LossTrials>& trials) {
  std::set<std::string> left;
  for (const auto& chapter : chapters) left.merge(sites_of(chapter.recording));
  for (std::size_t number = 0; number < chapters.size(); ++number) {
    const auto here = sites_of(chapters[number].recording);
    std::vector<std::string> sites;
    std::set_intersection(left.begin(), left.end(), here.begin(), here.end(),
                          std::back_inserter(sites));
    const auto bad = trials[number].missed(sites);
    for (std::size_t i = 0; i < sites.size(); ++i) {
      if (bad[i].empty()) continue;
      std::cout << "mutants: without " << sites[i] << ": " << bad[i] << '\n';
      left.erase(sites[i]);
    }
  }
  return left;
}

// In an ordinary run, some of them: each has much in common with its neighbours.
LossTrials trials_of(const Chapter& chapter) {
  constexpr std::uint64_t seed = 1;
  LossTrials trials(chapter.recording, chapter.states);
  const auto all = trials.states();
  if (!crash::deep()) trials.draw(chapter.states, seed);
  std::cout << "power-loss-states: " << chapter.file.filename().string() << ": " << trials.states()
            << " of " << all << " states are tried, seed " << seed << std::endl;
  return trials;
}

int run() {
  constexpr std::size_t whole = 7200;
  constexpr std::size_t without_exchange = 1600;
  const ScratchDirectory scratch("power-loss-states");
  const std::size_t times = crash::deep() ? 10 : 1;
  std::vector<Chapter> chapters;
  // A kernel, or a file system, that can't exchange two names. First, for they are quickly tried.
  for (const auto life : {Life::Core, Life::Dangerous}) {
    const auto name = life == Life::Core ? "without-exchange" : "dying";
    chapters.push_back(
        {life, {SYS_renameat2}, without_exchange * times, scratch.path() / name, {}});
  }
  chapters.push_back({Life::Whole, {}, whole * times, scratch.path() / "whole", {}});

  crash::ProofEntry states("power-loss-states", "P1 P4");
  record(chapters);
  std::vector<LossTrials> trials;
  for (const auto& chapter : chapters) {
    trials.push_back(trials_of(chapter));
    const auto bad = trials.back().bad_ones();
    tell(chapter, bad);
    states.count += trials.back().states();
    states.bad += bad.size();
  }
  states.write();

  crash::ProofEntry mutants("mutants", "P1 P4", "mutants-syncs");
  std::set<std::string> sites;
  for (const auto& chapter : chapters) sites.merge(sites_of(chapter.recording));
  const auto bad = needless(chapters, trials);
  for (const auto& site : bad) {
    std::cerr << "mutants: nothing is lost without " << site
              << "\n  try another state with: " << again(chapters.back()) << "LOSS '" << site
              << "'\n";
  }
  mutants.count = sites.size();
  mutants.bad = bad.size();
  mutants.write();
  return states.bad + mutants.bad == 0 ? 0 : 1;
}

}  // namespace

}  // namespace kongfleet::power

int main(int argc, char** argv) {
  using namespace kongfleet::power;
  try {
    if (argc == 1) return run();
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 2)
      throw kongfleet::Error("usage: power-loss-states [RECORDING LOSS [SITE]]");
    const auto complaint = LossTrials::again(Recording::load(words[0]), PowerLoss::parse(words[1]),
                                             {words.begin() + 2, words.end()});
    std::cout << (complaint.empty() ? "it is good" : complaint) << '\n';
    return complaint.empty() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "power-loss-states: " << error.what() << '\n';
    return 1;
  }
}
