// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/command_line.hpp"

#include "controller/durations.hpp"
#include "controller/suggestion.hpp"

#include <CLI/CLI.hpp>

#include <charconv>

namespace kongfleet::controller {

namespace {

constexpr std::size_t history_max = 100'000;
constexpr std::chrono::milliseconds release_lifetime_default = std::chrono::hours(90 * 24);
constexpr std::chrono::milliseconds splay_max = std::chrono::hours(24);

/// A mistake in the arguments; the text is what follows "kongfleet: ".
class UsageError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// What CLI11 writes into, before it is checked.
struct Raw {
  std::string fleet_file = "fleet.toml";
  std::string output = "text";
  std::string directory = ".";
  std::string tree;
  std::string bundle;
  std::string name;
  std::string version;
  std::string sign;
  std::string fleet;
  std::string serial;
  std::string expires;
  std::string package;
  std::string login = "root";
  bool sudo = false;
  std::vector<std::string> identities;
  std::string key;
  bool dry_run = false;
  std::string to;
  std::string id;
  std::string page;
  bool watch = false;
  std::string limit = "20";
  std::string splay;
  std::vector<std::string> selectors;
  bool hosts = false;
  bool yes = false;
};

struct Grammar {
  CLI::App app{"Rolls Kong plugins out to fleets of hosts, and takes them back when they do harm.",
               "kongfleet"};
  Raw raw;
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
  app.set_version_flag("--version", std::string("kongfleet ") + KONGFLEET_VERSION);
  app.add_option("-f,--file", raw.fleet_file, "the fleet file")->capture_default_str();
  app.add_option("--output", raw.output, "text or json")->capture_default_str();

  auto& init = add_command(grammar, "init", "write a commented fleet.toml and an example plugin");
  init.add_option("DIRECTORY", raw.directory, "where to; the current directory");

  auto& check = add_command(grammar, "check", "validate the fleet file and lint every plugin");
  check.add_flag("--hosts", raw.hosts, "also connect, and tell what each host lacks");

  auto& pack = add_command(grammar, "pack", "build a bundle (.kfb) from a plugin tree");
  pack.add_option("TREE", raw.tree, "the directory that holds kong/plugins/NAME/");
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

  add_fleet_command(grammar, "plan", "tell what would change on which host; touches nothing");
  auto& rollout = add_fleet_command(grammar, "rollout", "make it so, wave by wave");
  rollout.add_flag("-y,--yes", raw.yes, "do not ask first");
  auto& rollback = add_fleet_command(grammar, "rollback", "go back at once");
  rollback.add_option("--to", raw.to, "a generation's number, 0 for what was before kongfleet");
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
  bootstrap.add_option("--identity", raw.identities, "its private key; as for the fleet");
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

OutputFormat read_format(const std::string& text, const std::string& command) {
  if (text == "text") return OutputFormat::Text;
  if (text == "json") return OutputFormat::Json;
  throw UsageError("found '" + printable(text, 100) + "' for --output; it is 'text' or 'json'" +
                   (command == "pack" ? ", the bundle's name is given with -o" : ""));
}

std::variant<std::chrono::milliseconds, std::int64_t> read_expiry(const std::string& text) {
  if (text.empty()) return release_lifetime_default;
  if (const auto time = parse_expiry(text)) return *time;
  const auto lifetime = parse_duration(text);
  if (lifetime && *lifetime > std::chrono::milliseconds(0)) return *lifetime;
  throw UsageError("found '" + printable(text, 100) +
                   "' for --expires; it is a duration such as 90d, or a time such as "
                   "2027-02-26T14:00:00Z");
}

std::optional<SigningOrder> read_signing(const Raw& raw) {
  if (raw.sign.empty()) {
    for (const auto& [option, value] :
         {std::pair("--fleet", raw.fleet), std::pair("--serial", raw.serial),
          std::pair("--expires", raw.expires)}) {
      if (value.empty()) continue;
      throw UsageError(std::string(option) +
                       " is what a signature promises; add --sign KEY, or leave it out");
    }
    return std::nullopt;
  }
  if (!is_plain_name(raw.fleet)) {
    throw UsageError((raw.fleet.empty() ? "found no --fleet"
                                        : "found '" + printable(raw.fleet, 100) + "' for --fleet") +
                     "; --sign needs the name of the fleet whose hosts may run the release, as "
                     "[fleet] of its fleet file and [trust] of its hosts' agent.toml say it");
  }
  SigningOrder order{.key = raw.sign, .fleet = raw.fleet, .expires = read_expiry(raw.expires)};
  if (!raw.serial.empty()) {
    order.serial = parse_serial(raw.serial);
    if (!order.serial) {
      throw UsageError("found '" + printable(raw.serial, 100) +
                       "' for --serial; it is a whole number from 1 to " +
                       std::to_string(release_serial_max));
    }
  }
  return order;
}

PackCommand read_pack(const Raw& raw) {
  if (raw.tree.empty()) {
    throw UsageError("pack needs the tree to pack: kongfleet pack plugins/my-plugin -o FILE");
  }
  PackCommand pack{.tree = raw.tree, .output = raw.bundle};
  if (!raw.name.empty()) {
    pack.name = PluginName::parse(raw.name);
    if (!pack.name) {
      throw UsageError("found '" + printable(raw.name, 100) +
                       "' for --name; a plugin's name has small letters, digits, '-' and '_'");
    }
  }
  if (!raw.version.empty()) {
    pack.version = Version::parse(raw.version);
    if (!pack.version) {
      throw UsageError("found '" + printable(raw.version, 100) +
                       "' for --release-version; it has letters, digits, '.', '+' and '-'");
    }
  }
  pack.signing = read_signing(raw);
  return pack;
}

BootstrapCommand read_bootstrap(const Raw& raw) {
  if (raw.package.empty()) {
    throw UsageError(
        "bootstrap needs the agent's package: kongfleet bootstrap --package kongfleet-agent.deb");
  }
  BootstrapCommand bootstrap{.selectors = raw.selectors,
                             .package = raw.package,
                             .login = raw.login,
                             .sudo = raw.sudo,
                             .key = raw.key,
                             .dry_run = raw.dry_run,
                             .yes = raw.yes};
  bootstrap.identities.assign(raw.identities.begin(), raw.identities.end());
  return bootstrap;
}

RollbackCommand read_rollback(const Raw& raw) {
  RollbackCommand rollback{.selectors = raw.selectors, .yes = raw.yes};
  if (raw.to.empty()) return rollback;
  std::uint64_t number = 0;
  const char* const end = raw.to.data() + raw.to.size();
  const auto [stop, ec] = std::from_chars(raw.to.data(), end, number);
  if (ec != std::errc() || stop != end) {
    throw UsageError("found '" + printable(raw.to, 100) +
                     "' for --to; it is a generation's number, as 'kongfleet status' shows them");
  }
  rollback.to = number;
  return rollback;
}

HistoryCommand read_history(const Raw& raw) {
  HistoryCommand history;
  const char* const end = raw.limit.data() + raw.limit.size();
  const auto [stop, ec] = std::from_chars(raw.limit.data(), end, history.limit);
  if (ec == std::errc() && stop == end && history.limit > 0 && history.limit <= history_max) {
    return history;
  }
  throw UsageError("found '" + printable(raw.limit, 100) + "' for --limit; it is 1 to " +
                   std::to_string(history_max));
}

SyncCommand read_sync(const Raw& raw) {
  SyncCommand sync{.selectors = raw.selectors};
  if (raw.splay.empty()) return sync;
  const auto splay = parse_duration(raw.splay);
  if (!splay || *splay > splay_max) {
    throw UsageError("found '" + printable(raw.splay, 100) +
                     "' for --splay; it is a duration of at most " + text_of(splay_max) +
                     ", such as \"90s\" or \"10m\"");
  }
  sync.splay = *splay;
  return sync;
}

std::string read_id(const std::string& command, const Raw& raw) {
  if (!raw.id.empty()) return raw.id;
  throw UsageError(command +
                   " needs the ID of a rollout, as 'kongfleet history' shows it, or "
                   "'latest'");
}

Command read_command(const std::string& name, const Raw& raw) {
  if (name == "init") return InitCommand{.directory = raw.directory};
  if (name == "check") return CheckCommand{.hosts = raw.hosts};
  if (name == "pack") return read_pack(raw);
  if (name == "bootstrap") return read_bootstrap(raw);
  if (name == "plan") return PlanCommand{.selectors = raw.selectors};
  if (name == "rollout") return RolloutCommand{.selectors = raw.selectors, .yes = raw.yes};
  if (name == "rollback") return read_rollback(raw);
  if (name == "sync") return read_sync(raw);
  if (name == "resume") return ResumeCommand{.id = read_id(name, raw), .yes = raw.yes};
  if (name == "abort") return AbortCommand{.id = read_id(name, raw), .yes = raw.yes};
  if (name == "history") return read_history(raw);
  if (name == "show") return ShowCommand{.id = read_id(name, raw)};
  if (name == "report") return ReportCommand{.id = read_id(name, raw), .output = raw.page};
  return StatusCommand{.selectors = raw.selectors, .watch = raw.watch};
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
