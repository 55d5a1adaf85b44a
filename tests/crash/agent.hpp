// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/child.hpp"
#include "tests/crash/conversation.hpp"
#include "tests/crash/crash_host.hpp"

#include <memory>

namespace kongfleet::crash {

/// The real agent's daemon on a host, with its own binary. What it logs is appended to the host's
/// log. Killed with this object, as a power cut would.
class Agent {
public:
  /// `wrapper`: a program with its arguments that is to run the agent, such as strace; then that is
  /// what is killed.
  explicit Agent(const CrashHost& host, std::vector<std::string> wrapper = {});
  /// One that runs already, in some other way.
  Agent(const CrashHost& host, std::unique_ptr<Process> process);
  /// A conversation, once its recovery is over.
  std::unique_ptr<Conversation> talk(Clock::time_point deadline);
  Process& process() { return *process_; }

private:
  const CrashHost host_;
  std::unique_ptr<Process> process_;
};

/// `kongfleet-agent --config … COMMAND`
std::vector<std::string> agent_command(const CrashHost& host, const std::string& command);

/// Runs `kongfleet-agent recover`, as at boot before Kong starts. Its wait status.
int recover(const CrashHost& host, Clock::time_point deadline);

}  // namespace kongfleet::crash
