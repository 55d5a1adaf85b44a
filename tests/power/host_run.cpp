// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/host_run.hpp"

#include <sys/syscall.h>

namespace kongfleet::power {

namespace {

void live_wholly(RecordedHost& host) {
  host.deploy("1.0.0");           // generation 1, the first ever
  host.deploy("1.1.0");           // 2
  host.deploy_rejected("1.2.0");  // 3, taken back
  host.begin_trial("1.3.0");      // 4
  host.revert_trial();
  host.begin_trial("1.3.0");  // 5
  host.kill_agent();
  host.start_agent();
  host.find_trial_taken_back();
  host.roll_back(std::nullopt, 1);  // what is no way back any more goes
  host.unlist_plugin();
  host.deploy("1.4.0");  // 6
  host.roll_back(0, 0);  // to before kongfleet
  host.begin_trial("1.4.0");
  host.kill_agent();
  host.remove_generations();
  host.start_agent_without_history();  // whose syncs are missing too, then
  host.edit_carelessly("# another's line");
  host.deploy("1.5.0");  // 8
  host.roll_back(0, 0);
  host.kill_agent();
  host.remove_generations();
  host.remove_journal();
  host.start_agent();
  host.deploy("1.6.0");  // 1 again
  host.begin_trial("1.7.0");
  host.edit_conf("# a person's own line");
  host.revert_trial();
}

void live_its_core(RecordedHost& host) {
  host.deploy("1.0.0");
  host.deploy("1.1.0");
  host.begin_trial("1.2.0");
  host.revert_trial();
  host.roll_back(std::nullopt, 1);
}

// Agents that die: what they did not come to sync, the next one finds, and may not rely on. How two
// names are exchanged where that is no single call, too.
void live_dangerously(RecordedHost& host) {
  host.begin_dying_trial("1.0.0", {SYS_fsync, "/generations"}, "refused");
  host.deploy("1.0.0");
  host.begin_dying_trial("1.1.0", {SYS_renameat, ".kongfleet-new"}, "rolled-back");
  host.begin_dying_trial("1.1.0", {SYS_renameat, ".swap"}, "rolled-back");
  host.begin_trial("1.1.0");
  host.confirm_dying_trial({SYS_fdatasync, "/journal"});
  host.begin_trial("1.2.0");
  host.revert_dying_trial({SYS_renameat, ".swap"});
  host.begin_trial("1.2.0");
  host.revert_dying_trial({SYS_fsync, "/kong"});
}

}  // namespace

Recording record_host(const crash::CrashHost& host, Life life, RecordedHost::Options options) {
  RecordedHost recorded(host, std::move(options));
  if (life == Life::Dangerous) {
    recorded.start_dying_agent({SYS_fsync, "/state"});
  } else {
    recorded.start_agent();
  }
  switch (life) {
    case Life::Whole:
      live_wholly(recorded);
      break;
    case Life::Core:
      live_its_core(recorded);
      break;
    case Life::Dangerous:
      live_dangerously(recorded);
      break;
  }
  recorded.kill_agent();
  return recorded.take();
}

}  // namespace kongfleet::power
