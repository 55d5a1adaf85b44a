// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/command_line.hpp"

#include "controller/command_values.hpp"
#include "controller/suggestion.hpp"
#include "proto/framing.hpp"

#include <CLI/CLI.hpp>

#include "commit.hpp"
#include <algorithm>
#include <array>
#include <charconv>

namespace kongfleet::controller {

namespace {

constexpr auto source_help =
    "a plugin tree (the directory that holds kong/plugins/NAME/), a bundle (.kfb), a rock (.rock), "
    "or a rockspec (.rockspec) or its directory";

struct Grammar {
  CLI::App app{"Rolls Kong plugins out to fleets of hosts, and takes them back when they do harm.",
               "kongfleet"};
  RawArguments raw;
};

CLI::App& add_command(Grammar& grammar, const std::string& name, const std::string& text) {
  auto& command = *grammar.app.add_subcommand(name, text);
  command.fallthrough();  // global options may follow the command
  command.allow_extras();
  return command;
}

CLI::App& add_fleet_command(Grammar& grammar, const std::string& name, const std::string& text) {
  auto& command = add_command(grammar, name, text);
  command.add_option("SELECTOR", grammar.raw.selectors,
                     "groups, hosts, patterns such as 'edge-01*', or '!edge-03' to leave one out; "
                     "none: the whole fleet");
  return command;
}

CLI::App& add_rollout_command(Grammar& grammar, const std::string& name, const std::string& text) {
  auto& command = add_command(grammar, name, text);
  command.add_option("ID", grammar.raw.id, "as 'kongfleet history' shows it, or 'latest'");
  return command;
}

void build(Grammar& grammar) {
  auto& app = grammar.app;
  auto& raw = grammar.raw;
  app.allow_extras();
  app.require_subcommand(0, 1);  // a selector may be called "check"
  app.set_version_flag("--version", "kongfleet " KONGFLEET_VERSION " (commit " KONGFLEET_COMMIT
                                    "), protocol " +
                                        std::to_string(protocol_version));
  app.add_option("-f,--file", raw.fleet_file, "the fleet file")->capture_default_str();
  app.add_option("--output", raw.output, "text or json")->capture_default_str();

  auto& init = add_command(grammar, "init", "write a commented fleet.toml and an example plugin");
  init.add_option("DIRECTORY", raw.directory, "where to; the current directory");

  auto& check =
      add_fleet_command(grammar, "check", "validate the fleet file and lint every plugin");
  check.add_flag("--hosts", raw.hosts,
                 "also connect: what is wrong on each host, and what mends it");

  auto& pack = add_command(grammar, "pack", "build a bundle (.kfb) from a plugin tree or a rock");
  pack.add_option("SOURCE", raw.tree, source_help);
  pack.add_option("-o", raw.bundle, "the bundle; NAME-VERSION.kfb");
  pack.add_option("--name", raw.name, "the plugin's name; the tree's only plugin");
  pack.add_option("--release-version", raw.version, "the version; VERSION of handler.lua");
  pack.add_option("--sign", raw.sign,
                  "sign it with this SSH key: a private key, or a public one whose private one the "
                  "ssh-agent holds");
  pack.add_option("--fleet", raw.fleet, "with --sign: the fleet whose hosts may run it");
  pack.add_option("--serial", raw.serial,
                  "with --sign: higher than that of every signed release of the plugin before; the "
                  "Unix time of now");
  pack.add_option("--expires", raw.expires,
                  "with --sign: until when hosts may begin to run it, \"90d\" from now or "
                  "2027-02-26T14:00:00Z; 90d");
  pack.add_option(
          "--with", raw.with,
          "with --sign: the bundle of a release of another plugin; hosts run it beside that "
          "one only; may be given more than once")
      ->allow_extra_args(false);

  auto& exporting = add_command(grammar, "export", "write a plugin for another way to deploy it");
  exporting.add_option("KIND", raw.kind, "rock, docker, kubernetes or konnect");
  exporting.add_option("SOURCE", raw.tree, source_help);
  exporting.add_option("-o", raw.bundle, "the directory to write to");
  exporting.add_option("--name", raw.name, "the plugin's name; the source's only plugin");
  exporting.add_option("--release-version", raw.version,
                       "the version; the bundle's, or VERSION of handler.lua");

  add_fleet_command(grammar, "plan", "tell what would change on which host; touches nothing");
  auto& rollout = add_fleet_command(grammar, "rollout", "make it so, wave by wave");
  rollout.add_flag("-y,--yes", raw.yes, "do not ask first");
  auto& rollback = add_fleet_command(grammar, "rollback", "go back at once");
  auto* to =
      rollback.add_option("--to", raw.to, "a generation's number, 0 for what was before kongfleet");
  rollback
      .add_option("--rollout", raw.rollout, "only what that rollout brought, where it still runs")
      ->excludes(to);
  rollback.add_flag("-y,--yes", raw.yes, "do not ask first");
  for (const auto& [name, text] :
       {std::pair("resume", "go on with a rollout that was paused, or whose controller died"),
        std::pair("abort", "take back a rollout that was paused, or whose controller died")}) {
    add_rollout_command(grammar, name, text).add_flag("-y,--yes", raw.yes, "do not ask first");
  }
  auto& history = add_command(grammar, "history", "tell what was rolled out, the newest first");
  history.add_option("--limit", raw.limit, "how many")->capture_default_str();
  add_rollout_command(grammar, "show", "tell what became of every host of a rollout, and why");
  add_rollout_command(grammar, "report", "write what became of a rollout as one HTML page")
      .add_option("-o", raw.page, "the page; ID.html");
  add_fleet_command(grammar, "status", "tell what every host runs now")
      .add_flag("--watch", raw.watch, "look again and again, until Ctrl-C");
  auto& bootstrap =
      add_fleet_command(grammar, "bootstrap", "install the agent on hosts, or a newer one, by SSH");
  bootstrap.add_option("--package", raw.package,
                       "kongfleet-agent as .deb, .rpm or .tar.gz; 'cpack' makes them");
  bootstrap.add_option("--login", raw.login, "who installs there")->capture_default_str();
  bootstrap.add_flag("--sudo", raw.sudo, "it becomes root by sudo, which must not ask");
  bootstrap.add_option("--identity", raw.identities, "its private key; as for the fleet")
      ->allow_extra_args(false);
  bootstrap.add_option("--key", raw.key,
                       "the public key that may reach the agents; that of the first 'identity' in "
                       "[ssh]");
  bootstrap.add_flag("--dry-run", raw.dry_run, "look only, and print what would be run");
  bootstrap.add_flag("-y,--yes", raw.yes, "do not ask first");
  add_fleet_command(grammar, "sync", "for cron: mend what differs, and say nothing if nothing does")
      .add_option("--splay", raw.splay,
                  "wait first, for a time below this (\"10m\") that is always the same for this "
                  "fleet and machine");
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* app : {&command, static_cast<const CLI::App*>(command.get_parent())}) {
    if (app == nullptr) continue;
    for (const auto* option : app->get_options()) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

void refuse_extras(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  const auto extras = app.remaining(true);
  if (parsed.empty()) {
    if (extras.empty()) {
      throw UsageError("there is no command; it is one of " + quoted_list(command_names(app)));
    }
    const auto shown = printable(extras.front(), 100);
    if (shown.starts_with('-')) {
      throw UsageError("unknown option '" + shown + "'; " +
                       did_you_mean(shown, option_names(app), "see 'kongfleet --help'"));
    }
    throw UsageError(
        "unknown command '" + shown + "'; " +
        did_you_mean(shown, command_names(app), "it is one of " + quoted_list(command_names(app))));
  }
  if (extras.empty()) return;
  const auto command = parsed.front()->get_name();
  const auto shown = printable(extras.front(), 100);
  const auto help = "see 'kongfleet " + command + " --help'";
  if (shown.starts_with('-')) {
    throw UsageError("unknown option '" + shown + "' of " + command + "; " +
                     did_you_mean(shown, option_names(*parsed.front()), help));
  }
  throw UsageError(command + " takes no further argument, but found '" + shown + "'; " + help);
}

std::string one_line(std::string_view text) { return printable(text.substr(0, text.find('\n'))); }

Leave mistake(const std::string& what) {
  return {.exit_code = 1, .to_stderr = "kongfleet: " + what + "\n"};
}

// CLI11's text is "--file: 1 required TEXT missing", or "At most 1 …" and the like.
std::string option_of(const CLI::ArgumentMismatch& error) {
  const std::string text = error.what();
  return printable(text.substr(0, text.find(':')), 100);
}

}  // namespace

std::variant<Invocation, Leave> parse_command_line(const std::vector<std::string>& arguments) {
  Grammar grammar;
  build(grammar);
  try {
    grammar.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    refuse_extras(grammar.app);
    const auto name = grammar.app.get_subcommands().front()->get_name();
    if (grammar.raw.fleet_file.empty()) throw UsageError("the name after -f is empty");
    const GlobalOptions global{.fleet_file = grammar.raw.fleet_file,
                               .output = read_format(grammar.raw.output, name)};
    return Invocation{global, read_command(name, grammar.raw), name};
  } catch (const CLI::CallForHelp&) {
    return Leave{.to_stdout = grammar.app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Leave{.to_stdout = std::string(version.what()) + "\n"};
  } catch (const CLI::ArgumentMismatch& error) {
    return mistake(option_of(error) + " takes exactly one value; see 'kongfleet --help'");
  } catch (const CLI::ConversionError& error) {
    return mistake(one_line(error.what()) + "; see 'kongfleet --help'");
  } catch (const CLI::ParseError& error) {
    return mistake(one_line(error.what()));
  } catch (const UsageError& error) {
    return mistake(error.what());
  }
}

}  // namespace kongfleet::controller
