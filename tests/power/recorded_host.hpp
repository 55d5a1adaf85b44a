// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/conversation.hpp"
#include "tests/crash/crash_host.hpp"
#include "tests/power/recorder.hpp"
#include "tests/power/traced_program.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace kongfleet::power {

/// A host without any trace of kongfleet, its Kong running, on which all that the real agent does
/// to the disk is recorded. What a controller is told of it goes into the recording too, as marks
/// (recovered_host.hpp).
class RecordedHost {
public:
  struct Options {
    std::set<long> unsupported;  // as TracedProgram's
    std::set<long> swallowed;
    bool only_root = false;  // may read kong.conf
    /// Sees each system call of the agent, twice, and how many marks there are; the agent stands
    /// still meanwhile.
    std::function<void(const SystemCall&, std::size_t)> look;
  };
  RecordedHost(crash::CrashHost host, Options options);
  ~RecordedHost();

  void start_agent();
  /// With SIGKILL.
  void kill_agent();

  /// Deploys and confirms.
  void deploy(const std::string& version);
  /// Deploys what Kong's master rejects; the agent takes it back.
  void deploy_rejected(const std::string& version);
  /// Deploys up to the trial.
  void begin_trial(const std::string& version);
  void revert_trial();
  /// What an agent does with the trial of one that died.
  void find_trial_taken_back();
  /// start_agent, which takes the trial of one that died back and can't write its history: nobody
  /// is told of it.
  void start_agent_without_history();
  /// The agent dies just before it makes such a call of a file whose path ends so, for the first
  /// time from now on.
  struct Death {
    long call = 0;
    std::string path;
  };
  /// As start_agent, deploy up to the trial, revert_trial and the confirming of a trial, but the
  /// agent dies in it. Another one starts; what that makes of it is what the controller is told.
  void start_dying_agent(const Death& death);
  void begin_dying_trial(const std::string& version, const Death& death, const std::string& end);
  void revert_dying_trial(const Death& death);
  void confirm_dying_trial(const Death& death);
  /// A person adds a line to kong.conf, as editors do, and makes it readable for all.
  void edit_conf(const std::string& line);
  /// A person adds a line in place, and does not wait for the disk.
  void edit_carelessly(const std::string& line);
  /// A person takes our plugin out of kong.conf, between two transactions: what it says then is
  /// not what the way back of the next one leaves.
  void unlist_plugin();
  /// A person takes away what no confirmed generation needs. No agent runs.
  void remove_generations();
  /// A person has a host that runs its baseline adopted anew. No agent runs.
  void remove_journal();
  /// An operator's rollback, to `generation` or the one before; `expected` is what that is.
  void roll_back(std::optional<std::uint64_t> generation, std::uint64_t expected);

  Recording take() { return recorder_.take(); }

private:
  crash::Conversation& agent();
  void require_ready();
  void told(const std::string& transaction, const std::string& result);
  std::string next_transaction();
  void meet_death(const SystemCall& call);
  /// `act` must be broken off by this death. Another agent starts.
  template <class Act>
  void die_in(const Death& death, Act act);

  crash::CrashHost host_;
  Options options_;
  Recorder recorder_;
  std::unique_ptr<TracedProgram> program_;
  std::unique_ptr<crash::Conversation> conversation_;
  int transactions_ = 0;
  std::string trial_;
  std::mutex mutex_;
  std::optional<Death> death_;  // to come; guarded by mutex_
  std::uint64_t confirmed_ = 0;
};

}  // namespace kongfleet::power
