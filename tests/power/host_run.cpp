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
  host.kill_agent();
  host.remove_generations();
  host.start_agent();
  host.edit_carelessly("# another's line");
  host.deploy("1.5.0");  // 7
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

// Where two names can't be exchanged at once, an agent may die in between.
void die_in_exchanges(RecordedHost& host) {
  host.deploy_dying("1.3.0", ".kongfleet-new");
  host.deploy_dying("1.4.0", ".swap");
}

}  // namespace

Recording record_host(const crash::CrashHost& host, Life life, RecordedHost::Options options) {
  const bool in_steps = options.unsupported.contains(SYS_renameat2);
  RecordedHost recorded(host, std::move(options));
  recorded.start_agent();
  if (life == Life::Whole) {
    live_wholly(recorded);
  } else {
    live_its_core(recorded);
  }
  if (in_steps) die_in_exchanges(recorded);
  recorded.kill_agent();
  return recorded.take();
}

}  // namespace kongfleet::power
