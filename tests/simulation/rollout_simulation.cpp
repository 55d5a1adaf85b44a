// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// rollout-simulation: plays rollouts with the real engine, driver, conversations and state, over
// simulated hosts, network and time, and checks at every event what must hold (truth.hpp). 10,000
// seeds; 1,000,000 when KONGFLEET_DEEP is set. One of them again, with all that happens in it:
//
//   rollout_simulation --seed N --trace
//
//   rollout_simulation --seeds COUNT [FIRST]      so many, or others
//   rollout_simulation --until-bad COUNT          at most so many, until something is wrong
#include "proto/error.hpp"
#include "tests/crash/proof_entry.hpp"
#include "tests/simulation/story.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <thread>

namespace kongfleet::simulation {

namespace {

constexpr std::size_t seeds_usual = 10'000;
constexpr std::size_t seeds_deep = 1'000'000;
// A trial ran out while its host's Welcome was waited for over a link that had broken without a
// word; an Apply of a dead controller began what the next one had given up.
constexpr std::array<std::uint64_t, 2> bad_before{954'147, 7'005'140};
constexpr std::size_t events_shown = 40;
constexpr std::size_t twice_one_in = 200;  // seeds that are played twice, to be the same
constexpr unsigned seed_seconds_max = 120;
constexpr std::size_t bad_max = 10;  // then enough was seen

std::string program;

/// What a share of the seeds tells the others while it runs.
struct Share {
  std::uint64_t seed;  // that it is at
  std::size_t done;
  std::size_t bad;
  std::size_t events;
};

int show(std::uint64_t seed, bool all) {
  const Library library;
  std::vector<std::string> trace;
  const auto end = play(library, seed, &trace);
  const auto from = all || trace.size() <= events_shown ? 0 : trace.size() - events_shown;
  for (auto i = from; i < trace.size(); ++i) std::cout << trace[i] << '\n';
  std::cout << "seed " << seed << ": "
            << (end.violation.empty() ? "all invariants held" : end.violation) << "; " << end.events
            << " events, digest " << std::hex << end.digest << std::dec << std::endl;
  return end.violation.empty() ? 0 : 1;
}

void tell(std::uint64_t seed, const std::string& what, const std::vector<std::string>& trace) {
  std::string text = "seed " + std::to_string(seed) + ": " + what + "\n";
  const auto from = trace.size() <= events_shown ? 0 : trace.size() - events_shown;
  for (auto i = from; i < trace.size(); ++i) text += "  " + trace[i] + "\n";
  text += "  again with: " + program + " --seed " + std::to_string(seed) + " --trace\n";
  std::cerr << text;
}

/// Plays one seed; false when something is wrong, which is told.
bool try_one(const Library& library, std::uint64_t seed, Share& share) {
  const auto end = play(library, seed, nullptr);
  share.events += end.events;
  std::vector<std::string> trace;
  if (!end.violation.empty()) {
    const auto again = play(library, seed, &trace);
    tell(seed,
         again.violation == end.violation ? end.violation : end.violation + " (but not twice)",
         trace);
    return false;
  }
  if (seed % twice_one_in != 0) return true;
  const auto again = play(library, seed, &trace);
  if (again.digest == end.digest && again.events == end.events) return true;
  tell(seed, "it is not the same when it is played again", trace);
  return false;
}

/// Which seeds are played: `count` from `first` on, until `bad_most` of them were bad.
struct Seeds {
  std::uint64_t first = 1;
  std::size_t count = 0;
  std::size_t bad_most = bad_max;
};

[[noreturn]] void play_share(const Seeds& seeds, Share* shares, std::size_t lane,
                             std::size_t lanes) {
  int code = 0;
  auto& share = shares[lane];
  const auto bad = [&] {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < lanes; ++i) sum += shares[i].bad;
    return sum;
  };
  {
    const Library library;
    if (lane == 0 && seeds.count >= seeds_usual) {
      for (const auto seed : bad_before) {
        if (!try_one(library, seed, share)) ++share.bad;
      }
    }
    for (auto seed = seeds.first + lane; seed < seeds.first + seeds.count; seed += lanes) {
      if (bad() >= seeds.bad_most) break;
      share.seed = seed;
      ::alarm(seed_seconds_max);  // one that hangs dies of it
      if (!try_one(library, seed, share)) ++share.bad;
      ++share.done;
    }
    ::alarm(0);
    code = share.bad == 0 ? 0 : 1;
  }
  std::cerr.flush();
  std::_Exit(code);
}

int run(const Seeds& seeds) {
  crash::ProofEntry entry("rollout-simulation", "P8 P11");
  const auto lanes = std::max(2U, std::thread::hardware_concurrency());
  auto* shares = static_cast<Share*>(::mmap(nullptr, lanes * sizeof(Share), PROT_READ | PROT_WRITE,
                                            MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (shares == MAP_FAILED) throw_errno("mmap", "shares");
  std::vector<pid_t> children;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    const auto child = ::fork();
    if (child < 0) throw_errno("fork", "a share");
    if (child == 0) play_share(seeds, shares, lane, lanes);
    children.push_back(child);
  }
  std::size_t events = 0;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    int status = 0;
    ::waitpid(children[lane], &status, 0);
    auto& share = shares[lane];
    if (WIFSIGNALED(status)) {
      ++share.bad;
      std::cerr << "seed " << share.seed << ": " << ::strsignal(WTERMSIG(status))
                << "\n  again with: " << program << " --seed " << share.seed << " --trace\n";
    }
    entry.count += share.done;
    entry.bad += share.bad;
    events += share.events;
  }
  std::cout << "rollout-simulation: " << events << " events, invariants checked at each\n";
  entry.write();
  return entry.bad == 0 && entry.count == seeds.count ? 0 : 1;
}

int obey(const std::vector<std::string>& words) {
  if (words.empty()) return run({1, crash::deep() ? seeds_deep : seeds_usual});
  const bool traced = words.size() == 3 && words[2] == "--trace";
  if (words[0] == "--seed" && (words.size() == 2 || traced)) {
    return show(std::stoull(words[1]), traced);
  }
  if (words[0] == "--seeds" && (words.size() == 2 || words.size() == 3)) {
    return run({words.size() == 3 ? std::stoull(words[2]) : 1, std::stoull(words[1])});
  }
  if (words[0] == "--until-bad" && words.size() == 2) return run({1, std::stoull(words[1]), 1});
  throw Error(
      "usage: rollout_simulation [--seed N [--trace] | --seeds COUNT [FIRST] | --until-bad COUNT]");
}

}  // namespace

}  // namespace kongfleet::simulation

int main(int argc, char** argv) {
  using namespace kongfleet::simulation;
  try {
    program = argv[0];
    return obey({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "rollout-simulation: " << error.what() << '\n';
    return 1;
  }
}
