// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// full-disk-rollback: every way back on a file system that has not one free block, or not one free
// inode (P5): ext4, xfs and btrfs, the host with its Kong on it. It must succeed there, and once
// there is room again, the next deploy does. One case again: full-disk-rollback NUMBER
#include "proto/error.hpp"
#include "tests/crash/agent.hpp"
#include "tests/crash/host_check.hpp"
#include "tests/crash/lane.hpp"
#include "tests/crash/proof_entry.hpp"
#include "tests/power/file_system.hpp"
#include "tests/power/files.hpp"
#include "tests/power/filling.hpp"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>

namespace kongfleet::power {

namespace {

namespace fs = std::filesystem;

constexpr unsigned lanes = 6;  // most of a case is the agent's own waiting
constexpr auto patience = std::chrono::minutes(2);

/// A host that runs version 1.1.0 and ran 1.0.0 before.
class FullDiskHost {
public:
  explicit FullDiskHost(const fs::path& disk) : disk_(disk), host_(disk / "host") {
    host_.make();
    move_socket();
    host_.start_kong();
    start_agent();
    deploy("1.0.0");
    first_ = content_of(host_.conf());
    deploy("1.1.0");
    second_ = content_of(host_.conf());
  }
  ~FullDiskHost() {
    agent_.reset();
    host_.kill_kong();
  }
  FullDiskHost(const FullDiskHost&) = delete;
  FullDiskHost& operator=(const FullDiskHost&) = delete;

  void fill(Scarce scarce) { filling_.emplace(disk_ / "filling", scarce); }
  /// There is room again: the next deploy works, and nothing is amiss.
  void heal() {
    filling_.reset();
    deploy("1.3.0");
    require_at_rest(content_of(host_.conf()));
  }

  void begin_trial() {
    auto agent = talk();
    const auto plan = agent->propose(crash::make_release("1.2.0"));
    require(agent->apply(plan, "trial"), wire::Outcome::TRIAL);
  }
  void revert_trial() {
    require(talk()->revert("trial"), wire::Outcome::ROLLED_BACK);
    require_at_rest(second_);
  }
  /// A person writes into kong.conf during the trial: that edit is merged, in a new file.
  void revert_edited_trial() {
    require(talk()->revert("trial"), wire::Outcome::ROLLED_BACK);
    require_at_rest(second_ + edit);
  }
  void edit_conf() const { std::ofstream(host_.conf(), std::ios::app) << edit << std::flush; }
  void restart_agent() {
    agent_.reset();
    start_agent();
    require_at_rest(second_);
  }
  /// As after a power cut: the agent recovers before Kong starts.
  void boot() {
    agent_.reset();
    host_.kill_kong();
    const int status = crash::recover(host_, crash::Clock::now() + patience);
    if (status != 0) throw Error("recover: " + crash::ending_of(status));
    host_.start_kong();
    start_agent();
    require_at_rest(second_);
  }
  /// What a person runs on the host.
  void roll_back() {
    crash::Child command({crash::agent_command(host_, "rollback"), host_.log()});
    const auto status = command.wait(crash::Clock::now() + patience);
    if (status != 0) throw Error("rollback: " + (status ? crash::ending_of(*status) : "no end"));
    require_at_rest(first_);
  }

private:
  static void require(const wire::Outcome& outcome, wire::Outcome::Result result) {
    if (outcome.result() == result) return;
    throw Error(wire::Outcome::Result_Name(outcome.result()) + ": " + outcome.cause());
  }
  // A socket lies on a file system in memory, as /run is on any host.
  fs::path socket() const { return crash::lane_directory() / "agent.sock"; }
  void move_socket() const {
    auto text = content_of(host_.config());
    const auto there = host_.socket().string();
    const auto at = text.find(there);
    if (at == std::string::npos) throw Error("agent.toml names no socket '" + there + "'");
    put_file(host_.config(), text.replace(at, there.size(), socket()));
  }
  void start_agent() { agent_.emplace(host_); }
  std::unique_ptr<crash::Conversation> talk() {
    return std::make_unique<crash::Conversation>(socket(), crash::Clock::now() + patience,
                                                 [this] { return !agent_->process().ended(); });
  }
  void deploy(const std::string& version) {
    require(crash::deploy(*talk(), crash::make_release(version), version),
            wire::Outcome::COMMITTED);
  }
  void require_at_rest(const std::string& conf) {
    auto found = crash::check_report(host_, talk()->host());  // it answers when it has recovered
    const auto add = [&](const crash::Complaints& more) {
      found.insert(found.end(), more.begin(), more.end());
    };
    add(crash::check_rest(host_, {conf}));
    add(crash::check_serving(host_));
    if (!found.empty()) throw Error(found.front());
  }

  static constexpr const char* edit = "# a person's own line\n";

  fs::path disk_;
  crash::CrashHost host_;
  std::optional<crash::Agent> agent_;
  std::optional<Filling> filling_;
  std::string first_;  // kong.conf of either version
  std::string second_;
};

struct WayBackCase {
  std::string name;
  std::function<void(FullDiskHost&, Scarce)> go;
};

const std::vector<WayBackCase>& ways_back() {
  static const auto in_trial = [](auto act) {
    return [act](FullDiskHost& host, Scarce scarce) {
      host.begin_trial();
      host.fill(scarce);
      (host.*act)();
    };
  };
  static const std::vector<WayBackCase> all = {
      {"a trial is reverted", in_trial(&FullDiskHost::revert_trial)},
      {"a trial with a person's edit is reverted",
       [](FullDiskHost& host, Scarce scarce) {
         host.begin_trial();
         host.edit_conf();
         host.fill(scarce);
         host.revert_edited_trial();
       }},
      {"the agent dies in a trial", in_trial(&FullDiskHost::restart_agent)},
      {"the power goes in a trial", in_trial(&FullDiskHost::boot)},
      {"a person rolls back", [](FullDiskHost& host, Scarce scarce) {
         host.fill(scarce);
         host.roll_back();
       }}};
  return all;
}

struct FullDiskCase {
  FileSystem kind;
  Scarce scarce;
  WayBackCase way;
  std::string name() const {
    return kind.name + ", no free " + (scarce == Scarce::Blocks ? "block" : "inode") + ", " +
           way.name;
  }
};

std::vector<FullDiskCase> all_cases() {
  std::vector<FullDiskCase> cases;
  for (const auto& way : ways_back()) {
    for (const auto& kind : file_systems()) cases.push_back({kind, Scarce::Blocks, way});
    // btrfs makes them as it needs them, of blocks; xfs too, up to a share of the disk.
    for (auto kind : file_systems()) {
      if (kind.name == "btrfs") continue;
      const auto few = kind.name == "ext4" ? std::pair("-N", "512") : std::pair("-i", "maxpct=1");
      kind.options.insert(kind.options.end(), {few.first, few.second});
      cases.push_back({kind, Scarce::Inodes, way});
    }
  }
  return cases;
}

std::string run_case(const FullDiskCase& one) {
  const auto image = crash::lane_directory() / "image";
  const auto place = crash::lane_directory() / "disk";
  fs::create_directory(place);
  make_file_system(one.kind, image);
  MountedImage disk(one.kind, image, place);
  {
    FullDiskHost host(place);
    one.way.go(host, one.scarce);
    host.heal();
  }
  disk.unmount();
  return {};
}

int run(const std::vector<std::size_t>& numbers) {
  crash::ProofEntry proof("full-disk-rollback", "P5");
  const auto cases = all_cases();
  const auto told = crash::in_lanes({numbers.size(), lanes}, [&]() -> crash::Job {
    return [&](std::size_t number) { return run_case(cases.at(numbers[number])); };
  });
  proof.count = numbers.size();
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (told[i].empty()) continue;
    ++proof.bad;
    std::cerr << "full-disk-rollback: " << cases[numbers[i]].name() << ": " << told[i]
              << "\n  again with: " << (build_directory() / "full-disk-rollback").string() << " "
              << numbers[i] << '\n';
  }
  proof.write();
  return proof.bad == 0 ? 0 : 1;
}

}  // namespace

}  // namespace kongfleet::power

int main(int argc, char** argv) {
  using namespace kongfleet::power;
  try {
    std::vector<std::size_t> numbers;
    for (int i = 1; i < argc; ++i) numbers.push_back(std::strtoul(argv[i], nullptr, 10));
    for (std::size_t i = 0; argc == 1 && i < all_cases().size(); ++i) numbers.push_back(i);
    return run(numbers);
  } catch (const std::exception& error) {
    std::cerr << "full-disk-rollback: " << error.what() << '\n';
    return 1;
  }
}
