// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/agent.hpp"

namespace kongfleet::crash {

namespace {

std::vector<std::string> wrapped(std::vector<std::string> wrapper, const CrashHost& host) {
  const auto command = agent_command(host, "serve");
  wrapper.insert(wrapper.end(), command.begin(), command.end());
  return wrapper;
}

}  // namespace

std::vector<std::string> agent_command(const CrashHost& host, const std::string& command) {
  return {agent_program(), "--config", host.config(), command};
}

Agent::Agent(const CrashHost& host, std::vector<std::string> wrapper)
    : Agent(host, std::make_unique<Child>(Command{wrapped(std::move(wrapper), host), host.log()})) {
}

Agent::Agent(const CrashHost& host, std::unique_ptr<Process> process)
    : host_(host), process_(std::move(process)) {}

std::unique_ptr<Conversation> Agent::talk(Clock::time_point deadline) {
  return std::make_unique<Conversation>(host_.socket(), deadline,
                                        [this] { return !process_->ended(); });
}

int recover(const CrashHost& host, Clock::time_point deadline) {
  Child child({agent_command(host, "recover"), host.log()});
  const auto status = child.wait(deadline);
  if (!status) throw Error("'kongfleet-agent recover' does not end");
  return *status;
}

}  // namespace kongfleet::crash
