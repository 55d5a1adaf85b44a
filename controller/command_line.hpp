// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/names.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace kongfleet::controller {

enum class OutputFormat { Text, Json };

/// What stands before (or after) every command.
struct GlobalOptions {
  std::filesystem::path fleet_file = "fleet.toml";
  OutputFormat output = OutputFormat::Text;
};

struct InitCommand {
  std::filesystem::path directory = ".";
};
struct CheckCommand {
  bool hosts = false;                  // also connect, and tell what each host lacks
  std::vector<std::string> selectors;  // of those; none means the whole fleet
};
/// What `pack --sign` is told. Without --serial the Unix time of packing is the serial.
struct SigningOrder {
  std::filesystem::path key;  // a private key, or a public one whose private one an ssh-agent holds
  std::string fleet;
  std::optional<std::uint64_t> serial;
  std::variant<std::chrono::milliseconds, std::int64_t> expires;  // from now, or a Unix time
  std::vector<std::filesystem::path> with = {};  // bundles of what has to run beside it
};
struct PackCommand {
  std::filesystem::path tree;
  std::filesystem::path output;    // empty: NAME-VERSION.kfb in the current directory
  std::optional<PluginName> name;  // nothing: the only plugin of the tree
  std::optional<Version> version;  // nothing: VERSION of handler.lua
  std::optional<SigningOrder> signing;
};
/// For whom `export` writes.
enum class ExportKind { Rock, Docker, Kubernetes, Konnect };
/// As it is typed: "rock".
std::string name_of(ExportKind kind);
struct ExportCommand {
  ExportKind kind;
  std::filesystem::path source;    // a tree, a bundle or a rock
  std::filesystem::path output;    // a directory
  std::optional<PluginName> name;  // as in PackCommand
  std::optional<Version> version;
};
/// Selectors as typed (selector.hpp); none means the whole fleet.
struct PlanCommand {
  std::vector<std::string> selectors;
};
struct RolloutCommand {
  std::vector<std::string> selectors;
  bool yes = false;  // do not ask first
};
struct RollbackCommand {
  std::vector<std::string> selectors;
  std::optional<std::uint64_t>
      to;  // a generation's number, 0 for the baseline; nothing: the one before
  std::optional<std::string> rollout;  // only what this one brought; never with `to`
  bool yes = false;
};
/// `id` may be "latest".
struct ResumeCommand {
  std::string id;
  bool yes = false;
};
struct AbortCommand {
  std::string id;
  bool yes = false;
};
struct HistoryCommand {
  std::size_t limit = 20;
};
struct ShowCommand {
  std::string id;
};
struct ReportCommand {
  std::string id;
  std::filesystem::path output;  // empty: ID.html in the current directory
};
struct StatusCommand {
  std::vector<std::string> selectors;
  bool watch = false;  // look again and again, until Ctrl-C
};
struct SyncCommand {
  std::vector<std::string> selectors;
  std::chrono::milliseconds splay{0};  // waits first, for less than this (splay.hpp)
};
struct BootstrapCommand {
  std::vector<std::string> selectors;
  std::filesystem::path package;  // kongfleet-agent, as .deb, .rpm or .tar.gz
  std::string login = "root";     // who installs on the hosts
  bool sudo = false;              // by sudo
  std::vector<std::filesystem::path>
      identities;             // the login's private keys; none: as for the fleet
  std::filesystem::path key;  // the public key that may reach the agents; empty: the fleet's first
  bool dry_run = false;
  bool yes = false;  // do not ask first
};

using Command =
    std::variant<InitCommand, CheckCommand, PackCommand, ExportCommand, PlanCommand, RolloutCommand,
                 RollbackCommand, StatusCommand, SyncCommand, ResumeCommand, AbortCommand,
                 HistoryCommand, ShowCommand, ReportCommand, BootstrapCommand>;

struct Invocation {
  GlobalOptions global;
  Command command;
  std::string name;  // the command's: "rollout"
};

/// There is nothing to run: print and leave. `--help` and `--version` are exit 0 with text for
/// stdout; a mistake is exit 1 with one line for stderr that says what would be right.
struct Leave {
  int exit_code = 0;
  std::string to_stdout;
  std::string to_stderr;
};

/// Reads the arguments after the program's own name. Pure.
std::variant<Invocation, Leave> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace kongfleet::controller
