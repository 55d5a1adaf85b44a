// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/error.hpp"
#include "tests/crash/agent.hpp"
#include "tests/hostile/judges.hpp"
#include "tests/hostile/tree_print.hpp"

#include <fstream>
#include <iostream>
#include <sstream>

namespace kongfleet::hostile {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto case_time_max = std::chrono::seconds(8);
// What a conversation may take, beyond what the agent has anyway: a frame and its parts, and zstd's
// window.
constexpr std::size_t case_kib_max = std::size_t{64} << 10;
constexpr auto agent_patience = std::chrono::seconds(20);

/// A host with an agent that has deployed something.
class Target {
public:
  explicit Target(const fs::path& directory) : host_(directory / "host") {
    host_.make();
    host_.start_kong();
    agent_.emplace(host_);
    const auto conversation = agent_->talk(Clock::now() + agent_patience);
    const auto outcome = deploy(*conversation, crash::make_release("1.0.0"), "before");
    if (outcome.result() != wire::Outcome::COMMITTED)
      throw Error("the first release was not deployed: " + outcome.cause());
  }
  ~Target() { host_.kill_kong(); }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  fs::path socket() const { return host_.socket(); }
  std::size_t log_size() const { return fs::file_size(host_.log()); }
  std::string log_since(std::size_t offset) const {
    return crash::content_of(host_.log()).substr(offset);
  }
  /// All there is; of a host that received content, all but the place where it waited.
  TreePrint print(Leaves leaves) const {
    auto print = print_of(host_.root());
    if (leaves == Leaves::Nothing) return print;
    // A transaction that failed is remembered; what the host runs is not touched by it.
    for (const auto& path : {host_.generations(), host_.state(), host_.state() / "journal",
                             host_.state() / "history.jsonl"})
      print.erase(path.string());
    return print;
  }
  void forget_peak() const { std::ofstream("/proc/" + pid() + "/clear_refs") << "5"; }
  std::size_t peak_kib() const {
    std::istringstream status(crash::content_of("/proc/" + pid() + "/status"));
    for (std::string word; status >> word;) {
      std::size_t kib = 0;
      if (word == "VmHWM:" && status >> kib) return kib;
    }
    throw Error("the agent's memory is not told");
  }

private:
  std::string pid() const { return std::to_string(agent_->process().pid()); }
  const crash::CrashHost host_;
  mutable std::optional<crash::Agent> agent_;
};

/// Others are answered: at once, or as soon as those have ended that spoke before them and count
/// among the 32 who may.
void greet_as_another(const Target& target) {
  const auto give_up = Clock::now() + case_time_max;
  for (;;) {
    const auto log = target.log_size();
    try {
      return Caller(target.socket()).greet();
    } catch (const Error& error) {
      const auto logged = target.log_since(log);
      if (logged.find("too many conversations") == std::string::npos || Clock::now() > give_up)
        throw Error(std::string(error.what()) + ", logged '" + logged.substr(0, 600) + "'");
    }
  }
}

/// Empty, or what was wrong.
std::string judge(const WireCase& each, const Target& target) {
  const auto before = target.print(each.leaves);
  const auto log_before = target.log_size();
  target.forget_peak();
  const auto resident = target.peak_kib();
  const auto began = Clock::now();
  std::string heard;
  try {
    Caller caller(target.socket());
    heard = each.attack(caller);
  } catch (const Error& error) {
    heard = error.what();
  }
  greet_as_another(target);
  const auto took = Clock::now() - began;
  // What a conversation received goes with it, which may be a moment after it ended.
  std::string left;
  crash::comes_true([&] { return (left = difference(before, target.print(each.leaves))).empty(); },
                    Clock::now() + std::chrono::seconds(1));
  const auto peak = target.peak_kib();
  const auto logged = target.log_since(log_before);
  std::string wrong;
  if ((heard + "\n" + logged).find(each.wanted) == std::string::npos)
    wrong += "heard '" + heard.substr(0, 300) + "', logged '" + logged.substr(0, 300) + "'; ";
  if (heard.size() > 4096 || logged.size() > 3 * 8192 || logged.find('\x1b') != std::string::npos)
    wrong += "it says too much, or with escapes; ";
  if (!left.empty()) wrong += "left: " + left.substr(0, 600);
  if (took > case_time_max) wrong += "it took too long; ";
  if (peak > resident + case_kib_max)
    wrong += "it took " + std::to_string(peak - resident) + " KiB; ";
  return wrong;
}

}  // namespace

std::size_t judge_on_wire(const WireCases& cases, const fs::path& directory) {
  const Target target(directory);
  std::size_t bad = 0;
  for (const auto& each : cases) {
    const auto wrong = judge(each, target);
    if (wrong.empty()) continue;
    ++bad;
    std::cout << each.threat << " " << each.name << ": wanted '" << each.wanted << "', " << wrong
              << "\n";
  }
  return bad;
}

}  // namespace kongfleet::hostile
