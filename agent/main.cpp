// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/agent_socket.hpp"
#include "agent/config.hpp"
#include "agent/kong_node.hpp"
#include "agent/local_commands.hpp"
#include "agent/relay.hpp"
#include "agent/server.hpp"
#include "proto/framing.hpp"
#include "proto/names.hpp"

#include <CLI/CLI.hpp>
#include <google/protobuf/stubs/logging.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "commit.hpp"
#include <iostream>

namespace {

using namespace kongfleet::agent;

struct Options {
  std::string config = default_config_path;
  std::string command;
  std::optional<std::uint64_t> to;
  unsigned limit = 20;
};

int run(const Options& options) {
  const auto config = load_config(options.config);
  if (options.command == "connect")
    return relay(STDIN_FILENO, STDOUT_FILENO, connect_to(config.socket));
  if (options.command == "status") return print_status(config);
  if (options.command == "history") return print_history(config, options.limit);
  if (options.command == "rollback") return roll_back(config, options.to);
  if (options.command == "verify") return verify_host(config);
  KongNode node(config);
  return options.command == "serve" ? serve(config, node) : recover_now(config, node);
}

}  // namespace

int main(int argc, char** argv) {
  // What it reads of Kong's configuration holds passwords: no core dump, and no debugger but
  // root's.
  ::prctl(PR_SET_DUMPABLE, 0);
  google::protobuf::SetLogHandler(
      nullptr);  // what a controller sends is judged by us, and told once
  Options options;
  CLI::App app("kongfleet-agent: deploys Kong plugins on this host and takes them back",
               "kongfleet-agent");
  app.set_version_flag("--version", "kongfleet-agent " KONGFLEET_VERSION
                                    " (commit " KONGFLEET_COMMIT "), protocol " +
                                        std::to_string(kongfleet::protocol_version));
  app.add_option("--config", options.config, "agent.toml to use")->capture_default_str();
  app.require_subcommand(1);
  app.add_subcommand("serve", "the daemon");
  app.add_subcommand("connect", "joins standard input and output to the daemon: what SSH runs");
  app.add_subcommand("recover", "takes back what was left unconfirmed; runs at boot, before Kong");
  app.add_subcommand("status", "what this host runs");
  auto* history = app.add_subcommand("history", "past transactions, one JSON object a line");
  history->add_option("--limit", options.limit, "how many")->capture_default_str();
  auto* rollback = app.add_subcommand("rollback", "break glass: back to the generation before");
  rollback->add_option("--to", options.to,
                       "a generation's number; 0 is the state before kongfleet");
  app.add_subcommand("verify", "compares files, configuration and workers with what was confirmed");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "kongfleet-agent: " << error.what() << "\n";
    return 1;
  }
  options.command = app.get_subcommands().front()->get_name();
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::cerr << "kongfleet-agent: " << kongfleet::printable(error.what()) << "\n";
    return 1;
  }
}
