// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/recorded_host.hpp"

#include "proto/error.hpp"
#include "tests/crash/agent.hpp"
#include "tests/power/files.hpp"
#include "tests/power/recovered_host.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace kongfleet::power {

namespace fs = std::filesystem;

namespace {

constexpr auto patience = std::chrono::minutes(5);  // each call may have a disk copied
constexpr mode_t readable_for_all = 0644;

// The agent's own wrappers of fsync: what counts is who calls them.
const std::vector<std::string> wrappers = {"sync_file", "sync_directory", "Directory::sync"};

crash::CrashHost fresh(crash::CrashHost host, const RecordedHost::Options& options) {
  host.make();
  const auto conf = host.conf();
  if (options.only_root && (::chown(conf.c_str(), 0, 0) != 0 || ::chmod(conf.c_str(), 0600) != 0)) {
    throw_errno("close to others", conf);
  }
  // A package may have made the agent's directory long ago; here, nobody has.
  fs::remove(host.state());
  host.start_kong();
  sync_file_system(host.root());  // all that was there before kongfleet lasts
  return host;
}

/// A file that nobody can open to write while this lives.
class ReadOnlyFile {
public:
  explicit ReadOnlyFile(fs::path path) : path_(std::move(path)) {
    mount(path_.c_str(), MS_BIND);
    mount(nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY);
  }
  ~ReadOnlyFile() { ::umount2(path_.c_str(), MNT_DETACH); }
  ReadOnlyFile(const ReadOnlyFile&) = delete;
  ReadOnlyFile& operator=(const ReadOnlyFile&) = delete;

private:
  void mount(const char* source, unsigned long flags) const {
    if (::mount(source, path_.c_str(), nullptr, flags, nullptr) != 0) throw_errno("mount", path_);
  }

  fs::path path_;
};

void require(const wire::Outcome& outcome, wire::Outcome::Result result) {
  if (outcome.result() == result) return;
  throw Error("transaction " + outcome.transaction() + " ended " +
              wire::Outcome::Result_Name(outcome.result()) + ": " + outcome.cause());
}

}  // namespace

RecordedHost::RecordedHost(crash::CrashHost host, Options options)
    : host_(fresh(std::move(host), options)),
      options_(std::move(options)),
      recorder_(disk_of(host_), wrappers) {}

RecordedHost::~RecordedHost() {
  program_.reset();
  host_.kill_kong();
}

void RecordedHost::start_agent() {
  const auto see = [this](const SystemCall& call) {
    meet_death(call);
    recorder_.see(call);
    if (options_.look) options_.look(call, recorder_.marks());
  };
  program_ = std::make_unique<TracedProgram>(
      crash::agent_command(host_, "serve"),
      TracedProgram::Options{host_.log(), options_.unsupported, options_.swallowed}, see);
}

void RecordedHost::kill_agent() {
  conversation_.reset();
  program_->kill();
  program_->wait();
  program_.reset();
}

crash::Conversation& RecordedHost::agent() {
  if (!conversation_) {
    conversation_ = std::make_unique<crash::Conversation>(
        host_.socket(), crash::Clock::now() + patience, [this] { return program_->runs(); });
  }
  return *conversation_;
}

std::string RecordedHost::next_transaction() {
  recorder_.mark("begun");
  return "t" + std::to_string(++transactions_);
}

void RecordedHost::told(const std::string& transaction, const std::string& result) {
  recorder_.mark("told " + std::to_string(confirmed_) + " " + transaction + " " + result);
}

void RecordedHost::deploy(const std::string& version) {
  begin_trial(version);
  const auto generation = agent().status().open().generation();
  recorder_.mark("asked " + std::to_string(generation));
  require(agent().confirm(trial_), wire::Outcome::COMMITTED);
  confirmed_ = generation;
  told(trial_, "committed");
}

void RecordedHost::deploy_rejected(const std::string& version) {
  const auto release = crash::make_release(version, crash::Handler::BrokenInMaster);
  const auto transaction = next_transaction();
  const auto plan = agent().propose(release);
  require(agent().apply(plan, transaction), wire::Outcome::ROLLED_BACK);
  told(transaction, "rolled-back");
  recorder_.mark("poisoned " + generation_digest({release.manifest}).hex());
}

void RecordedHost::begin_trial(const std::string& version) {
  trial_ = next_transaction();
  const auto plan = agent().propose(crash::make_release(version));
  require(agent().apply(plan, trial_), wire::Outcome::TRIAL);
}

void RecordedHost::revert_trial() {
  require(agent().revert(trial_), wire::Outcome::ROLLED_BACK);
  told(trial_, "rolled-back");
}

void RecordedHost::require_ready() {
  if (agent().host().state() != "ready") throw Error("the trial of a dead agent is still open");
}

void RecordedHost::find_trial_taken_back() {
  require_ready();
  told(trial_, "rolled-back");
}

void RecordedHost::start_agent_without_history() {
  const ReadOnlyFile history(host_.state() / "history.jsonl");
  start_agent();
  require_ready();
  recorder_.mark("found " + std::to_string(confirmed_));
}

// Killed where it stands, it does not come to make the call.
void RecordedHost::meet_death(const SystemCall& call) {
  const std::lock_guard lock(mutex_);
  if (!death_ || !call.entering || call.number != death_->call) return;
  const bool renames = call.number == SYS_renameat;
  const auto path = renames ? call.text(1) : call.path_of(call.descriptor(0));
  if (!path.ends_with(death_->path)) return;
  death_.reset();
  ::kill(call.process, SIGKILL);
}

template <class Act>
void RecordedHost::die_in(const Death& death, Act act) {
  {
    const std::lock_guard lock(mutex_);
    death_ = death;
  }
  bool broken_off = false;
  try {
    act();
  } catch (const std::exception&) {
    broken_off = true;
  }
  const std::lock_guard lock(mutex_);
  if (!broken_off || death_) throw Error("the agent did not die at '" + death.path + "'");
}

void RecordedHost::start_dying_agent(const Death& death) {
  die_in(death, [&] {
    start_agent();
    agent();
  });
  kill_agent();
  start_agent();
}

void RecordedHost::begin_dying_trial(const std::string& version, const Death& death,
                                     const std::string& end) {
  die_in(death, [&] { begin_trial(version); });
  kill_agent();
  start_agent();
  require_ready();
  told(trial_, end);
}

void RecordedHost::revert_dying_trial(const Death& death) {
  die_in(death, [&] { agent().revert(trial_); });
  kill_agent();
  start_agent();
  find_trial_taken_back();
}

void RecordedHost::confirm_dying_trial(const Death& death) {
  const auto generation = agent().status().open().generation();
  recorder_.mark("asked " + std::to_string(generation));
  die_in(death, [&] { agent().confirm(trial_); });
  kill_agent();
  start_agent();
  const bool confirmed = agent().host().generation() == generation;
  if (!confirmed) return told(trial_, "rolled-back");
  confirmed_ = generation;
  recorder_.mark("found " + std::to_string(confirmed_));
}

void RecordedHost::edit_conf(const std::string& line) {
  recorder_.edit(host_.conf(), content_of(host_.conf()) + line + "\n", readable_for_all);
  recorder_.mark("edited " + line);
}

void RecordedHost::edit_carelessly(const std::string& line) {
  recorder_.append(host_.conf(), line + "\n");
  recorder_.mark("careless");
}

void RecordedHost::unlist_plugin() {
  auto text = content_of(host_.conf());
  const std::string ours = ",greet";
  const auto at = text.find(ours);
  if (at == std::string::npos) throw Error("kong.conf does not list our plugin");
  recorder_.edit(host_.conf(), text.erase(at, ours.size()), look_at(host_.conf()).st_mode & 07777);
}

void RecordedHost::remove_generations() {
  recorder_.mark("begun");  // there is no way back any more
  recorder_.remove(host_.generations());
}

void RecordedHost::remove_journal() {
  recorder_.mark("adopted");
  recorder_.remove(host_.state() / "journal");
}

void RecordedHost::roll_back(std::optional<std::uint64_t> generation, std::uint64_t expected) {
  const auto transaction = next_transaction();
  recorder_.mark("asked " + std::to_string(expected));
  require(agent().roll_back(transaction, generation), wire::Outcome::COMMITTED);
  confirmed_ = expected;
  told(transaction, "committed");
}

}  // namespace kongfleet::power
