// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/command_values.hpp"

#include "controller/durations.hpp"
#include "controller/suggestion.hpp"
#include "proto/release_terms.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace kongfleet::controller {

namespace {

constexpr std::size_t history_max = 100'000;
constexpr std::chrono::milliseconds release_lifetime_default = std::chrono::hours(90 * 24);
constexpr std::chrono::milliseconds splay_max = std::chrono::hours(24);

constexpr std::array<std::pair<const char*, ExportKind>, 4> export_kinds = {
    {{"rock", ExportKind::Rock},
     {"docker", ExportKind::Docker},
     {"kubernetes", ExportKind::Kubernetes},
     {"konnect", ExportKind::Konnect}}};

std::variant<std::chrono::milliseconds, std::int64_t> read_expiry(const std::string& text) {
  if (text.empty()) return release_lifetime_default;
  if (const auto time = parse_expiry(text)) return *time;
  const auto lifetime = parse_duration(text);
  if (lifetime && *lifetime > std::chrono::milliseconds(0)) return *lifetime;
  throw UsageError("found '" + printable(text, 100) +
                   "' for --expires; it is a duration such as 90d, or a time such as "
                   "2027-02-26T14:00:00Z");
}

std::optional<SigningOrder> read_signing(const RawArguments& raw) {
  if (raw.sign.empty()) {
    for (const auto& [option, value] :
         {std::pair("--fleet", raw.fleet), std::pair("--serial", raw.serial),
          std::pair("--expires", raw.expires),
          std::pair("--with", raw.with.empty() ? "" : raw.with.front())}) {
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
  order.with.assign(raw.with.begin(), raw.with.end());
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

std::optional<PluginName> read_name(const RawArguments& raw) {
  if (raw.name.empty()) return std::nullopt;
  if (const auto name = PluginName::parse(raw.name)) return name;
  throw UsageError("found '" + printable(raw.name, 100) +
                   "' for --name; a plugin's name has small letters, digits, '-' and '_'");
}

std::optional<Version> read_version(const RawArguments& raw) {
  if (raw.version.empty()) return std::nullopt;
  if (const auto version = Version::parse(raw.version)) return version;
  throw UsageError("found '" + printable(raw.version, 100) +
                   "' for --release-version; it has letters, digits, '.', '+' and '-'");
}

CheckCommand read_check(const RawArguments& raw) {
  if (!raw.hosts && !raw.selectors.empty()) {
    throw UsageError("found '" + printable(raw.selectors.front(), 100) +
                     "' after check; hosts are looked at with --hosts: kongfleet check --hosts " +
                     printable(raw.selectors.front(), 100));
  }
  return {.hosts = raw.hosts, .selectors = raw.selectors};
}

ExportCommand read_export(const RawArguments& raw) {
  const auto* kind = std::find_if(export_kinds.begin(), export_kinds.end(),
                                  [&](const auto& known) { return raw.kind == known.first; });
  if (kind == export_kinds.end()) {
    std::vector<std::string> names;
    for (const auto& [name, known] : export_kinds) names.emplace_back(name);
    throw UsageError((raw.kind.empty() ? "export needs to know for whom"
                                       : "found '" + printable(raw.kind, 100) + "' after export") +
                     "; it is one of " + quoted_list(names));
  }
  if (raw.tree.empty() || raw.bundle.empty()) {
    throw UsageError("export needs a plugin and where to write it: kongfleet export " + raw.kind +
                     " plugins/my-plugin -o DIRECTORY");
  }
  return {.kind = kind->second,
          .source = raw.tree,
          .output = raw.bundle,
          .name = read_name(raw),
          .version = read_version(raw)};
}

PackCommand read_pack(const RawArguments& raw) {
  if (raw.tree.empty()) {
    throw UsageError("pack needs the tree to pack: kongfleet pack plugins/my-plugin -o FILE");
  }
  PackCommand pack{.tree = raw.tree, .output = raw.bundle};
  pack.name = read_name(raw);
  pack.version = read_version(raw);
  pack.signing = read_signing(raw);
  return pack;
}

BootstrapCommand read_bootstrap(const RawArguments& raw) {
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

RollbackCommand read_rollback(const RawArguments& raw) {
  RollbackCommand rollback{.selectors = raw.selectors, .yes = raw.yes};
  rollback.rollout = raw.rollout;
  if (raw.rollout && raw.rollout->empty()) {
    throw UsageError(
        "found nothing for --rollout; it is a rollout's ID, as 'kongfleet history' "
        "shows them");
  }
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

HistoryCommand read_history(const RawArguments& raw) {
  HistoryCommand history;
  const char* const end = raw.limit.data() + raw.limit.size();
  const auto [stop, ec] = std::from_chars(raw.limit.data(), end, history.limit);
  if (ec == std::errc() && stop == end && history.limit > 0 && history.limit <= history_max) {
    return history;
  }
  throw UsageError("found '" + printable(raw.limit, 100) + "' for --limit; it is 1 to " +
                   std::to_string(history_max));
}

SyncCommand read_sync(const RawArguments& raw) {
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

std::string read_id(const std::string& command, const RawArguments& raw) {
  if (!raw.id.empty()) return raw.id;
  throw UsageError(command +
                   " needs the ID of a rollout, as 'kongfleet history' shows it, or "
                   "'latest'");
}

}  // namespace

OutputFormat read_format(const std::string& text, const std::string& command) {
  if (text == "text") return OutputFormat::Text;
  if (text == "json") return OutputFormat::Json;
  throw UsageError("found '" + printable(text, 100) + "' for --output; it is 'text' or 'json'" +
                   (command == "pack" ? ", the bundle's name is given with -o" : ""));
}

Command read_command(const std::string& name, const RawArguments& raw) {
  if (name == "init") return InitCommand{.directory = raw.directory};
  if (name == "check") return read_check(raw);
  if (name == "pack") return read_pack(raw);
  if (name == "bootstrap") return read_bootstrap(raw);
  if (name == "export") return read_export(raw);
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

std::string name_of(ExportKind kind) {
  for (const auto& [name, known] : export_kinds) {
    if (known == kind) return name;
  }
  return "";
}

}  // namespace kongfleet::controller
