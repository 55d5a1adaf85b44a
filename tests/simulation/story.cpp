// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/story.hpp"

#include "controller/fleet_memory.hpp"
#include "controller/plugin_tree.hpp"
#include "tests/simulation/cast.hpp"
#include "tests/simulation/ending.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace kongfleet::simulation {

namespace fs = std::filesystem;
using namespace controller;
using std::chrono::seconds;

namespace {

constexpr std::size_t events_per_host = 60;  // of a rollout in which nothing happens, about

Release made_release() {
  PluginTree tree{.root = "tree"};
  tree.files.push_back({"kong/plugins/my-plugin/handler.lua", 0644, "return { PRIORITY = 1 }\n"});
  tree.files.push_back({"kong/plugins/my-plugin/schema.lua", 0644, "return {}\n"});
  return make_release(*PluginName::parse("my-plugin"), *Version::parse("2.0.0"), std::move(tree));
}

/// As the kernel does it, to whoever listens.
void interrupt() {
  struct sigaction now {};
  ::sigaction(SIGINT, nullptr, &now);
  if (now.sa_handler != SIG_DFL) ::raise(SIGINT);
}

class Story {
public:
  Story(const Library& library, std::uint64_t seed, std::vector<std::string>* trace)
      : library_(library), world_(seed, trace), truth_(world_, hosts_) {}
  StoryEnd play();

private:
  void set_up();
  void act();
  void settle();
  void take_it_back();
  void sync_at_night();
  CommandEnd sync(Process& process);
  void take_up_again(unsigned round);
  void plot(Process& process);
  void second_controller(bool breaks_glass);
  Process& new_process();
  void after_command(Process& process, const CommandEnd& end);
  void check_end(const CommandEnd& end);
  void check_all_is_decided();
  std::optional<RememberedRollout> open_rollout();
  std::string remembered_text();
  Setting setting() {
    return {world_, hosts_, truth_, cast_.fleet, library_.releases(), cast_.gated};
  }

  const Library& library_;
  World world_;
  std::vector<std::unique_ptr<ModelHost>> hosts_;
  Truth truth_;
  Cast cast_;
  std::string target_;
  std::string id_ = "rollout-1";                     // what is under way, or was last
  std::vector<std::unique_ptr<Process>> processes_;  // the dead ones stay as they are
  bool rolled_back_ = false;
  std::string frozen_;  // what an ousted controller left behind
  std::size_t rollbacks_ = 0;
};

void Story::set_up() {
  cast_ = draw_fleet(world_.chance);
  cast_.fleet.state = library_.fresh_state();
  target_ = digest_of(library_.releases().front().manifest.text());
  for (std::size_t i = 0; i < cast_.fleet.hosts.size(); ++i) {
    hosts_.push_back(std::make_unique<ModelHost>(world_, i, truth_));
  }
  draw_hosts(world_, cast_, target_, hosts_);
  truth_.rollout(id_, cast_.rules, target_);
  world_.check = [this] { truth_.check(); };
}

Process& Story::new_process() {
  const auto name = "controller-" + std::to_string(processes_.size() + 1);
  processes_.push_back(std::make_unique<Process>(setting(), name));
  return *processes_.back();
}

std::optional<RememberedRollout> Story::open_rollout() {
  FleetMemory memory(cast_.fleet, StateDatabase::Mode::Write);
  return memory.rollouts.open();
}

// How the rollout, and every host in it, is remembered.
std::string Story::remembered_text() {
  FleetMemory memory(cast_.fleet, StateDatabase::Mode::Look);
  std::string text = "state";
  for (const auto& row : memory.rollouts.list(100)) {
    if (row.id != id_) continue;
    text += " " + std::string(state_name(row.state)) + " " + row.why;
    for (const auto& host : memory.rollouts.find(id_).hosts)
      text += " " + std::string(phase_name(host.phase));
  }
  return text;
}

// What will happen to a controller while it works.
void Story::plot(Process& process) {
  auto& chance = world_.chance;
  world_.forget_plots();
  if (cast_.calm) return;
  const auto some_time = [&] { return 1 + chance.below(events_per_host * hosts_.size()); };
  if (chance.one_in(2)) {
    const auto unseen = chance.one_in(3) ? chance.ms(1000, 900'000) : milliseconds(0);
    world_.after_events(some_time(), [this, &process, unseen] {
      world_.tell("the controller is killed");
      truth_.harmed_all();
      process.kill(unseen);
    });
  }
  if (chance.one_in(8)) world_.after_events(some_time(), interrupt);
  if (chance.one_in(20)) world_.after_events(some_time(), interrupt);
  if (chance.one_in(10)) {
    const auto time = chance.ms(1000, 600'000);
    world_.after_events(some_time(), [this, &process, time] {
      world_.tell("the controller stands still");
      truth_.harmed_all();
      process.loop().stall(time);
    });
  }
  if (chance.one_in(8)) {
    const bool breaks_glass = chance.one_in(3);
    world_.after_events(some_time(), [this, breaks_glass] { second_controller(breaks_glass); });
  }
}

void Story::second_controller(bool breaks_glass) {
  auto& first = *processes_.back();
  if (first.loop().killed()) return;
  auto& second = new_process();
  if (first.loop().has_stalled()) truth_.contested();  // it may be taken for dead
  if (breaks_glass) {
    truth_.harmed_all();
    rolled_back_ = true;
    const auto end = second.roll_back("rollback-" + std::to_string(++rollbacks_));
    if (end.how == CommandEnd::How::Ran) frozen_ = remembered_text();
    return;
  }
  const auto end =
      world_.chance.one_in(2) ? second.roll_out("rollout-2") : second.take_up(id_, Again::Resume);
  const bool refused = end.how == CommandEnd::How::Declined;
  if (!refused && !first.loop().has_stalled())
    world_.violated("a second controller was not refused");
}

void Story::after_command(Process& process, const CommandEnd& end) {
  if (!world_.violation().empty()) throw WorldEnded();
  if (end.how == CommandEnd::How::Ran) check_end(end);
  truth_.harmed_all();  // nobody looks after them from here on
  if (end.how != CommandEnd::How::Killed) return;
  if (world_.chance.one_in(2)) process.seen_dead();
}

void Story::act() {
  auto& first = new_process();
  plot(first);
  after_command(first, cast_.syncs ? sync(first) : first.roll_out(id_));
  settle();
}

// Nobody leaves a rollout undecided for good.
void Story::settle() {
  constexpr unsigned rounds_max = 6;
  for (unsigned round = 1; round <= rounds_max && open_rollout(); ++round) take_up_again(round);
}

// A person takes back that rollout, and nothing else.
void Story::take_it_back() {
  if (rolled_back_ || open_rollout() || !world_.chance.one_in(4)) return;
  world_.forget_plots();
  world_.pass(world_.chance.ms(0, 3'600'000));
  rolled_back_ = true;
  auto& process = new_process();
  plot(process);
  const auto rollback = "rollback-" + std::to_string(++rollbacks_);
  const auto end = process.roll_back_rollout(rollback, id_);
  after_command(process, end);
  if (!cast_.calm || end.how != CommandEnd::How::Ran) return;
  // Nothing ever went wrong: all that it brought is gone.
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (truth_.still_has_it(i)) world_.violated("a rollback of one rollout left it on a host");
  }
}

// What cron does once the day is over: hosts went back, changed or came to their senses meanwhile.
void Story::sync_at_night() {
  if (rolled_back_ || open_rollout() || !world_.chance.one_in(3)) return;
  world_.forget_plots();
  world_.pass(std::chrono::hours(6));
  id_ = "sync-2";
  truth_.rollout(id_, cast_.rules, target_);
  auto& process = new_process();
  plot(process);
  after_command(process, sync(process));
  settle();
}

CommandEnd Story::sync(Process& process) {
  auto end = process.sync(id_);
  const bool over = end.how == CommandEnd::How::Ran || end.how == CommandEnd::How::Idle;
  if (!over || end.state == RolloutState::Open || !end.why.empty() || rolled_back_ ||
      truth_.is_contested())
    return end;
  const auto wrong = why_wrong_sync(end, truth_);
  if (!wrong.empty()) world_.violated(wrong);
  return end;
}

void Story::take_up_again(unsigned round) {
  auto& chance = world_.chance;
  const auto wait = chance.one_in(3)   ? chance.ms(0, 5000)
                    : chance.one_in(2) ? chance.ms(60'000, 100'000)
                                       : chance.ms(0, 1'200'000);
  world_.pass(wait);
  auto& process = new_process();
  constexpr unsigned plots_max = 3;
  world_.forget_plots();
  if (round <= plots_max) plot(process);
  const auto deed = chance.below(8);
  if (deed == 0) {
    rolled_back_ = true;
    after_command(process, process.roll_back("rollback-" + std::to_string(++rollbacks_)));
  } else {
    const auto again = deed <= 2 ? Again::Abort : Again::Resume;
    after_command(process, process.take_up(id_, again));
  }
}

void Story::check_end(const CommandEnd& end) {
  if (end.exit_code == 75 && !end.why.empty()) return;  // another controller took over
  if (end.id != id_ || rolled_back_) return;            // what others changed is nobody's to report
  FleetMemory memory(cast_.fleet, StateDatabase::Mode::Look);
  const auto wrong =
      why_wrong_end(end, memory.rollouts.find(id_), truth_, cast_.rules.max_failures);
  if (!wrong.empty()) world_.violated(wrong);
}

void Story::check_all_is_decided() {
  const auto open = open_rollout();
  FleetMemory memory(cast_.fleet, StateDatabase::Mode::Look);
  std::optional<RememberedRollout> row;
  const auto rows = memory.rollouts.list(100);
  const bool any =
      std::any_of(rows.begin(), rows.end(), [this](const auto& known) { return known.id == id_; });
  if (any && !open && !rolled_back_) row = memory.rollouts.find(id_);
  if (!frozen_.empty() && frozen_ != remembered_text()) {
    world_.violated("a controller that was ousted wrote something more");
  }
  const auto wrong = why_undecided(row ? &*row : nullptr, hosts_, truth_);
  if (!wrong.empty()) world_.violated(wrong);
}

StoryEnd Story::play() {
  try {
    set_up();
    act();
    take_it_back();
    sync_at_night();
    world_.forget_plots();
    world_.pass(std::chrono::hours(6));
    if (world_.violation().empty()) check_all_is_decided();
  } catch (const WorldEnded&) {
  } catch (const std::exception& error) {
    world_.violated(std::string("it threw: ") + error.what());
  }
  return {world_.violation(), world_.digest(), world_.events()};
}

}  // namespace

Library::Library() {
  const fs::path memory = "/dev/shm";
  const auto base = fs::is_directory(memory) ? memory : fs::temp_directory_path();
  auto pattern = (base / "kongfleet-simulation-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw_errno("mkdtemp", pattern);
  directory_ = pattern;
  releases_.push_back(made_release());
  const StateDatabase made("sqlite:" + (directory_ / "empty.db").string(),
                           StateDatabase::Mode::Write);
}

Library::~Library() {
  std::error_code none;
  fs::remove_all(directory_, none);
}

std::string Library::fresh_state() const {
  const auto file = directory_ / "edge.db";
  for (const auto* end : {"", "-wal", "-shm"}) fs::remove(file.string() + end);
  fs::copy_file(directory_ / "empty.db", file);
  return "sqlite:" + file.string();
}

StoryEnd play(const Library& library, std::uint64_t seed, std::vector<std::string>* trace) {
  return Story(library, seed, trace).play();
}

}  // namespace kongfleet::simulation
