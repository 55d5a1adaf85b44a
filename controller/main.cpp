// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/bootstrap_command.hpp"
#include "controller/check_command.hpp"
#include "controller/command_line.hpp"
#include "controller/declined.hpp"
#include "controller/export_command.hpp"
#include "controller/fleet_commands.hpp"
#include "controller/history_commands.hpp"
#include "controller/init.hpp"
#include "controller/pack_command.hpp"
#include "controller/resume_commands.hpp"

#include <google/protobuf/stubs/logging.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace {

using namespace kongfleet::controller;

struct Runner {
  const GlobalOptions& global;
  Answer answer;

  int operator()(const InitCommand& command) const { return run_init(command, answer); }
  int operator()(const PackCommand& command) const { return run_pack(command, answer); }
  int operator()(const BootstrapCommand& command) const {
    return run_bootstrap(global, command, answer);
  }
  int operator()(const ExportCommand& command) const { return run_export(command, answer); }
  int operator()(const PlanCommand& command) const { return run_plan(global, command, answer); }
  int operator()(const RolloutCommand& command) const {
    return run_rollout(global, command, answer);
  }
  int operator()(const RollbackCommand& command) const {
    return run_rollback(global, command, answer);
  }
  int operator()(const StatusCommand& command) const { return run_status(global, command, answer); }
  int operator()(const SyncCommand& command) const { return run_sync(global, command, answer); }
  int operator()(const ResumeCommand& command) const { return run_resume(global, command, answer); }
  int operator()(const AbortCommand& command) const { return run_abort(global, command, answer); }
  int operator()(const HistoryCommand& command) const {
    return run_history(global, command, answer);
  }
  int operator()(const ShowCommand& command) const { return run_show(global, command, answer); }
  int operator()(const ReportCommand& command) const { return run_report(global, command, answer); }
  int operator()(const CheckCommand& command) const {
    return command.hosts ? run_check_hosts(global, command, answer) : run_check(global, answer);
  }
};

/// A system unit has no HOME unless it names a user (systemd.exec(5)); cron gives one. The fleet
/// file, hooks and SSH find the same either way.
void have_home() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return;
  const passwd* entry = ::getpwuid(::getuid());
  if (entry != nullptr) ::setenv("HOME", entry->pw_dir, 1);
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_DUMPABLE, 0);  // it holds keys and passphrases: none of them in a core dump
  google::protobuf::SetLogHandler(nullptr);  // what a host sends is judged by us, and told once
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of that write, not our end
  have_home();
  const auto parsed = parse_command_line({argv + 1, argv + argc});
  if (const auto* leave = std::get_if<Leave>(&parsed)) {
    std::cout << leave->to_stdout;
    std::cerr << leave->to_stderr;
    return leave->exit_code;
  }
  const auto& invocation = std::get<Invocation>(parsed);
  const Answer answer{invocation.global.output, std::cout, std::cerr};
  try {
    return std::visit(Runner{invocation.global, answer}, invocation.command);
  } catch (const Declined& declined) {
    answer_mistake(answer, invocation.name, declined.what());
    return declined.exit_code();
  } catch (const std::exception& error) {
    answer_mistake(answer, invocation.name, error.what());
    return 1;
  }
}
