// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/silent_agent.hpp"

#include "agent/journal.hpp"
#include "agent/utc_time.hpp"
#include "proto/names.hpp"

#include <exception>
#include <filesystem>
#include <ostream>

namespace kongfleet::agent {

namespace {

void print_open(const OpenRecord& open, std::ostream& out) {
  out << "open        " << printable(open.id) << " of " << printable(open.holder) << ", step "
      << step_name(open.step) << ", since " << utc_text(open.since) << "\n";
  if (!open.cause.empty()) out << "cause       " << printable(open.cause) << "\n";
}

const char* advice_for(const HostRecord& record) {
  if (!record.open)
    return "see 'journalctl -u kongfleet-agent' for why the agent does not answer; no transaction "
           "is open, Kong is not affected";
  if (record.open->step == Step::Stranded)
    return "mend what the cause says, then start the agent: it tries the way back again by itself";
  return "start the agent ('systemctl restart kongfleet-agent'): it takes the open transaction "
         "back "
         "first. See 'journalctl -u kongfleet-agent' for why it does not answer";
}

}  // namespace

int print_silent_agent(const Config& config, const std::string& why, std::ostream& out) {
  out << "state       unknown: " << printable(why) << "\n";
  const auto path = config.state / "journal";
  try {
    if (!std::filesystem::exists(path)) {
      out << "journal     none at '" << path.string() << "': nothing was ever deployed here\n";
      return 1;
    }
    const auto record = read_journal(path);
    out << "generation  " << record.committed << (record.committed == 0 ? " (baseline)" : "")
        << ", confirmed last\n";
    if (record.open) print_open(*record.open, out);
    out << "advice      " << advice_for(record) << "\n";
    return record.open ? 4 : 1;
  } catch (const std::exception& error) {
    out << "journal     " << printable(error.what()) << "\n";
    return 4;
  }
}

}  // namespace kongfleet::agent
