// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <deque>
#include <fstream>
#include <random>
#include <set>

using namespace kongfleet::controller;
using namespace std::chrono_literals;
using Time = Rollout::Time;
using Kind = RolloutAction::Kind;

namespace {

/// Hosts that succeed, fail, vanish and answer late, driven from one seed; the rules are checked at
/// every event.
class Simulation {
public:
  explicit Simulation(unsigned seed) : chance_(seed) {
    const auto hosts = 1 + draw(12);
    for (std::size_t end = 0; end < hosts;)
      rules_.wave_ends.push_back(end = std::min(hosts, end + 1 + draw(5)));
    rules_.bake = std::chrono::seconds(draw(20));
    rules_.max_unavailable = 1 + draw(4);
    rules_.max_failures = draw(3);
    rules_.when_failed = draw(4) == 0 ? WhenFailed::Pause : WhenFailed::TakeBack;
    failing_ = draw(3) == 0 ? 0 : draw(30);
    rollout_.emplace(rules_);
  }

  /// Empty, or the rule that was broken.
  std::string run() {
    for (int event = 0; event < 10'000; ++event) {
      const auto actions = rollout_->next(now_);
      for (const auto& action : actions) take(action);
      if (const auto broken = check(actions); !broken.empty()) return broken;
      if (rollout_->over()) return at_end();
      if (draw(200) == 0) {
        rollout_->interrupt();
        continue;
      }
      if (draw(100) < failing_ && lose_a_trial()) continue;
      if (!silent_.empty() && (pending_.empty() || draw(3) == 0)) {
        end_silence();
        continue;
      }
      if (pending_.empty()) {
        const auto wake = rollout_->wake();
        if (!wake)
          return rollout_->stopping() ? "stopping, but nothing goes on" : "it waits for nothing";
        now_ = *wake;
        continue;
      }
      const auto at = pending_.begin() + static_cast<std::ptrdiff_t>(draw(pending_.size()));
      const auto [host, phase] = *at;
      pending_.erase(at);
      now_ += std::chrono::milliseconds(draw(3000));
      if (phase == HostPhase::Trial && rollout_->phase(host) != HostPhase::Changing) {  // a look
        if (rollout_->phase(host) == HostPhase::Trial) rollout_->heard(host, true);
        silent_.erase(host);
        continue;
      }
      rollout_->report(host, phase, now_);
      if (draw(10) == 0) rollout_->report(host, phase, now_);  // a message that came twice
    }
    return "it does not end";
  }

private:
  std::size_t draw(std::size_t below) { return below == 0 ? 0 : chance_() % below; }

  HostPhase bad() {
    static constexpr HostPhase ways[] = {HostPhase::Back, HostPhase::Refused,
                                         HostPhase::Unreachable, HostPhase::Lost,
                                         HostPhase::Stranded};
    return ways[draw(5)];
  }

  // A renewal that got no answer, or the answer that the trial is over. False where none is open.
  bool lose_a_trial() {
    std::vector<std::size_t> trials;
    for (std::size_t host = 0; host < rules_.wave_ends.back(); ++host) {
      if (rollout_->phase(host) == HostPhase::Trial) trials.push_back(host);
    }
    if (trials.empty()) return false;
    const auto host = trials[draw(trials.size())];
    if (draw(2) == 0) {
      rollout_->silent(host);
      silent_.insert(host);
      return true;
    }
    rollout_->report(host, draw(2) == 0 ? HostPhase::Lost : HostPhase::Back, now_);
    return true;
  }

  void end_silence() {
    const auto host = *silent_.begin();
    silent_.erase(host);
    if (rollout_->phase(host) != HostPhase::Trial) return;
    if (draw(2) == 0) return rollout_->heard(host, false);
    rollout_->report(host, HostPhase::Lost, now_);
  }

  void take(const RolloutAction& action) {
    const bool fails = draw(100) < failing_;
    if (action.kind == Kind::Start) {
      for (std::size_t wave = 0; rules_.wave_ends[wave] <= action.host; ++wave) {
        for (std::size_t host = 0; host < rules_.wave_ends[wave]; ++host) {
          const auto phase = rollout_->phase(host);
          if (phase == HostPhase::Trial || phase == HostPhase::Confirming ||
              phase == HostPhase::Changing) {
            early_ = true;
          }
        }
      }
      if (rollout_->stopping()) after_stop_ = true;
      pending_.emplace_back(action.host, fails          ? bad()
                                         : draw(5) == 0 ? HostPhase::Unchanged
                                                        : HostPhase::Trial);
    } else if (action.kind == Kind::Look) {
      pending_.emplace_back(action.host, fails ? HostPhase::Lost : HostPhase::Trial);
    } else if (action.kind == Kind::Confirm) {
      if (silent_.count(action.host) != 0) deaf_ = true;
      pending_.emplace_back(action.host, fails ? HostPhase::Back : HostPhase::Done);
    } else {
      pending_.emplace_back(
          action.host,
          fails ? (draw(2) == 0 ? HostPhase::Lost : HostPhase::Stranded) : HostPhase::Back);
    }
  }

  std::string check(const std::vector<RolloutAction>& actions) const {
    if (early_) return "a wave started before the one before it was confirmed";
    if (deaf_) return "a host was confirmed that did not answer any more";
    if (after_stop_) return "a host was started after the stop";
    std::size_t changing = 0;
    std::size_t down = 0;
    for (std::size_t host = 0; host < rules_.wave_ends.back(); ++host) {
      const auto phase = rollout_->phase(host);
      changing += phase == HostPhase::Changing || phase == HostPhase::Reverting ? 1 : 0;
      down += phase == HostPhase::Lost || phase == HostPhase::Stranded ||
                      phase == HostPhase::Unreachable
                  ? 1
                  : 0;
    }
    // On the way back one at a time always goes: hosts in trouble must not hold it up.
    const std::size_t always = rollout_->stopping() ? 1 : 0;
    for (const auto host : silent_)
      changing += !rollout_->stopping() && rollout_->phase(host) == HostPhase::Trial ? 1U : 0U;
    const bool moves = !actions.empty() && (actions.front().kind == Kind::Start ||
                                            actions.front().kind == Kind::Revert);
    if (moves && changing > always && changing + down > rules_.max_unavailable)
      return "the budget is exceeded";
    return {};
  }

  std::string at_end() const {
    const int code = rollout_->exit_code();
    for (std::size_t host = 0; host < rules_.wave_ends.back(); ++host) {
      const auto phase = rollout_->phase(host);
      if (phase == HostPhase::Trial || phase == HostPhase::Changing ||
          phase == HostPhase::Reverting)
        return "a host was left in the air";
      if (code == 3 && phase == HostPhase::Done)
        return "it says all is back, but a host kept the release";
      if (code != 4 && (phase == HostPhase::Stranded || phase == HostPhase::Lost))
        return "nobody is told of a host that needs a person";
      if (code == 0 && rollout_->failures() == 0 && phase != HostPhase::Done &&
          phase != HostPhase::Unchanged)
        return "done, but not all hosts are";
    }
    return {};
  }

  std::mt19937 chance_;
  RolloutRules rules_;
  std::optional<Rollout> rollout_;
  std::deque<std::pair<std::size_t, HostPhase>> pending_;
  std::set<std::size_t> silent_;  // in trial, and asked in vain
  Time now_{};
  std::size_t failing_ = 0;
  bool early_ = false;
  bool deaf_ = false;
  bool after_stop_ = false;
};

}  // namespace

TEST_CASE("whatever hosts do, budget, order and end hold") {
  const char* one = std::getenv("KONGFLEET_SEED");
  const unsigned first = one != nullptr ? static_cast<unsigned>(std::stoul(one)) : 1;
  const unsigned count = one != nullptr                             ? 1
                         : std::getenv("KONGFLEET_DEEP") != nullptr ? 1'000'000
                                                                    : 20'000;
  const auto began = std::chrono::steady_clock::now();
  unsigned bad = 0;
  for (unsigned seed = first; seed < first + count; ++seed) {
    const auto broken = Simulation(seed).run();
    if (broken.empty()) continue;
    ++bad;
    FAIL_CHECK(broken << "; replay: KONGFLEET_SEED=" << seed
                      << " controller_tests 'whatever hosts do*'");
    if (bad == 5) break;
  }
  if (const char* directory = std::getenv("KONGFLEET_PROOF_DIR")) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::ofstream(std::string(directory) + "/simulation-seeds.json")
        << R"({"name": "simulation-seeds", "promise": "P8", "count": )" << count
        << ", \"bad\": " << bad << ", \"seconds\": " << took.count() << "}\n";
  }
}
