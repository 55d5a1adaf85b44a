// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_file.hpp"

#include "controller/fleet_sections.hpp"
#include "controller/suggestion.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t fleet_file_max = std::size_t{4} << 20;  // 100,000 hosts, each on its line
constexpr DurationRange connect_range = {100ms, 10min};
constexpr DurationRange bake_range = {0s, 7 * 24h};
constexpr DurationRange deadline_range = {1s, 24h};
constexpr DurationRange lease_range = {3s, 24h};         // it is renewed once a second at most
constexpr IntegerRange connections_range = {2, 10'000};  // one is for leases to be renewed
constexpr IntegerRange failures_range = {0, 100'000};
constexpr std::size_t waves_max = 100;
constexpr std::size_t named_max = 500;  // plugins, and probes

std::string read_user(const TomlDocument& document, const TomlValue& value) {
  const auto& user = read_text(document, value, "user");
  if (!is_plain_name(user.starts_with('_') ? "u" + user.substr(1) : user)) {
    document.fail(value.at, "found \"" + printable(user, 100) +
                                "\" as a user; it has letters, digits, '_', '-' and '.', and "
                                "begins with none of the last two");
  }
  return user;
}

FleetSsh read_ssh(const TomlFields& fields, const FleetFilePlace& place) {
  const auto& document = fields.document();
  fields.allow_only(
      {"user", "known_hosts", "connect_timeout", "max_connections", "identity", "config"});
  FleetSsh ssh;
  if (const auto* value = fields.find("user")) ssh.user = read_user(document, *value);
  if (const auto* value = fields.find("known_hosts")) {
    ssh.known_hosts = read_path(document, *value, "known_hosts", place);
  }
  if (const auto* value = fields.find("config")) {
    ssh.config = read_path(document, *value, "config", place);
  }
  if (const auto* value = fields.find("identity")) {
    std::vector<const TomlValue*> files = {value};
    if (std::holds_alternative<TomlArray>(value->data)) {
      files = read_text_list(document, *value, "identity", R"(identity = ["~/.ssh/deploy"])");
    }
    for (const auto* file : files) {
      ssh.identity_files.push_back(read_path(document, *file, "identity", place));
    }
  }
  if (const auto* value = fields.find("connect_timeout")) {
    ssh.connect_timeout = read_duration(document, *value, "connect_timeout", connect_range);
  }
  if (const auto* value = fields.find("max_connections")) {
    ssh.max_connections =
        static_cast<unsigned>(read_integer(document, *value, "max_connections", connections_range));
  }
  return ssh;
}

std::vector<Amount> read_waves(const TomlDocument& document, const TomlValue& value) {
  const auto* list = std::get_if<TomlArray>(&value.data);
  if (list == nullptr || list->empty() || list->size() > waves_max) {
    document.fail(value.at, "found " + describe(value) + " for 'waves'; it is a list of 1 to 100 " +
                                R"(counts and shares: waves = [1, "10%", "50%", "100%"])");
  }
  std::vector<Amount> waves;
  for (const auto& element : *list) {
    const auto wave = read_amount(document, element, "waves");
    // Counts and shares cannot be compared before the number of hosts is known; like with like can.
    const auto before = std::find_if(waves.rbegin(), waves.rend(), [&](const Amount& earlier) {
      return earlier.kind == wave.kind;
    });
    if (before != waves.rend() && wave.value <= before->value) {
      document.fail(element.at,
                    "found the wave " + text_of(wave) + " after " + text_of(*before) +
                        "; waves are cumulative, so each is larger than the one before");
    }
    waves.push_back(wave);
  }
  return waves;
}

OnFailure read_on_failure(const TomlDocument& document, const TomlValue& value) {
  const auto& text = read_text(document, value, "on_failure");
  if (text == "rollback") return OnFailure::Rollback;
  if (text == "pause") return OnFailure::Pause;
  document.fail(value.at,
                "found \"" + printable(text, 100) + "\" for 'on_failure'; " +
                    did_you_mean(text, {"rollback", "pause"}, R"(it is "rollback" or "pause")"));
}

// Who is used to shares from the other keys is told that this is none.
unsigned read_max_failures(const TomlDocument& document, const TomlValue& value) {
  const auto* text = std::get_if<std::string>(&value.data);
  if (text != nullptr && parse_share(*text)) {
    document.fail(value.at, "found the share \"" + *text +
                                "\" for 'max_failures'; it is a count of hosts over the whole "
                                "rollout, without quotes: max_failures = 2");
  }
  return static_cast<unsigned>(read_integer(document, value, "max_failures", failures_range));
}

RolloutPolicy read_rollout(const TomlFields& fields) {
  const auto& document = fields.document();
  fields.allow_only({"waves", "bake", "max_unavailable", "max_failures", "on_failure", "deadline",
                     "confirm_timeout"});
  RolloutPolicy policy;
  if (const auto* value = fields.find("waves")) policy.waves = read_waves(document, *value);
  if (const auto* value = fields.find("bake")) {
    policy.bake = read_duration(document, *value, "bake", bake_range);
  }
  if (const auto* value = fields.find("max_unavailable")) {
    policy.max_unavailable = read_amount(document, *value, "max_unavailable");
  }
  if (const auto* value = fields.find("max_failures")) {
    policy.max_failures = read_max_failures(document, *value);
  }
  if (const auto* value = fields.find("on_failure")) {
    policy.on_failure = read_on_failure(document, *value);
  }
  if (const auto* value = fields.find("deadline")) {
    policy.deadline = read_duration(document, *value, "deadline", deadline_range);
  }
  if (const auto* value = fields.find("confirm_timeout")) {
    policy.confirm_timeout = read_duration(document, *value, "confirm_timeout", lease_range);
  }
  return policy;
}

void read_fleet_table(const TomlFields& root, Fleet& fleet, const FleetFilePlace& place) {
  const auto& document = root.document();
  const TomlFields fields(document, root.need("fleet", "[fleet] and, below it, name = \"edge\""),
                          "[fleet]");
  fields.allow_only({"name", "state"});
  const auto& name = fields.need("name", "name = \"edge\"");
  fleet.name = read_text(document, name, "name");
  check_plain_name(document, name.at, fleet.name, "fleet");
  const auto beside = [&](const std::string& file) {
    return "sqlite:" + (place.path.parent_path() / file).lexically_normal().string();
  };
  const auto* state = fields.find("state");
  fleet.state = beside(fleet.name + ".db");
  if (state == nullptr) return;
  fleet.state = read_text(document, *state, "state");
  const bool known = (fleet.state.starts_with("sqlite:") && fleet.state.size() > 7) ||
                     fleet.state.starts_with("postgresql://");
  if (!known) {
    document.fail(state->at, "found \"" + printable(fleet.state, 100) +
                                 R"(" for 'state'; it is "sqlite:FILE" or "postgresql://…")");
  }
  if (fleet.state.starts_with("sqlite:")) fleet.state = beside(fleet.state.substr(7));
}

}  // namespace

void check_plain_name(const TomlDocument& document, TomlPosition at, const std::string& name,
                      const std::string& what) {
  if (is_plain_name(name)) return;
  document.fail(at, "found '" + printable(name, 100) + "' as the name of a " + what +
                        "; it has 1 to 64 letters, digits, '_', '-' and '.', and begins with a "
                        "letter or a digit");
}

std::filesystem::path read_path(const TomlDocument& document, const TomlValue& value,
                                const std::string& key, const FleetFilePlace& place) {
  const auto& text = read_text(document, value, key);
  if (text.front() != '~') return (place.path.parent_path() / text).lexically_normal();
  if (!text.starts_with("~/") || place.home.empty()) {
    document.fail(value.at, "found \"" + printable(text, 200) + "\" for '" + key +
                                "'; of '~', only \"~/\" is understood, and only where HOME is set");
  }
  return (place.home / text.substr(2)).lexically_normal();
}

Fleet parse_fleet(std::string_view text, const FleetFilePlace& place,
                  const InventoryLoader& load_inventory) {
  const TomlDocument document(place.path.string(), std::string(text));
  const TomlValue whole{.data = document.root()};
  const TomlFields root(document, whole, "the fleet file");
  root.allow_only({"fleet", "ssh", "plugins", "inventory", "groups", "rollout", "probes", "hooks",
                   "webhook", "metrics"});
  Fleet fleet{.path = place.path};
  read_fleet_table(root, fleet, place);
  if (const auto* value = root.find("ssh")) {
    fleet.ssh = read_ssh(TomlFields(document, *value, "[ssh]"), place);
  }
  if (const auto* value = root.find("plugins")) {
    for (const auto& entry : TomlFields(document, *value, "[plugins]").entries()) {
      if (fleet.plugins.size() == named_max) document.fail(entry.at, "found more than 500 plugins");
      fleet.plugins.push_back(read_plugin_entry(document, entry, place));
    }
  }
  if (const auto* value = root.find("probes")) {
    for (const auto& entry : TomlFields(document, *value, "[probes]").entries()) {
      if (fleet.probes.size() == named_max) document.fail(entry.at, "found more than 500 probes");
      fleet.probes.push_back(read_probe(document, entry, fleet));
    }
  }
  const std::string example = R"([groups.edge] and, below it, hosts = ["edge-01.example.net"])";
  const auto& groups = root.need("groups", example);
  std::optional<Inventory> inventory;
  if (const auto* value = root.find("inventory")) {
    const TomlFields fields(document, *value, "[inventory]");
    inventory = load_inventory(read_inventory_source(fields, place));
  }
  read_groups(document, groups, inventory ? &*inventory : nullptr, fleet);
  if (inventory) fleet.notes = notes_on_inventory(*inventory, fleet);
  if (fleet.hosts.empty()) document.fail(groups.at, "found no group; write " + example);
  if (const auto* value = root.find("rollout")) {
    fleet.rollout = read_rollout(TomlFields(document, *value, "[rollout]"));
  }
  if (const auto* value = root.find("hooks")) {
    fleet.hooks = read_hooks(TomlFields(document, *value, "[hooks]"), place, fleet.rollout);
  }
  if (const auto* value = root.find("webhook")) {
    fleet.webhook = read_webhook(TomlFields(document, *value, "[webhook]"), place);
  }
  if (const auto* value = root.find("metrics")) {
    fleet.metrics = read_metrics(TomlFields(document, *value, "[metrics]"), place);
  }
  return fleet;
}

Fleet load_fleet(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file && errno == ENOENT) {
    throw Error("there is no fleet file '" + path.string() +
                "'; 'kongfleet init' writes one, '-f FILE' names another");
  }
  if (!file) throw_errno("read fleet file", path);
  if (std::filesystem::is_directory(path)) {
    throw Error("read fleet file '" + path.string() + "': it is a directory");
  }
  std::string text(fleet_file_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) throw_errno("read fleet file", path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > fleet_file_max) {
    throw Error("read fleet file '" + path.string() + "': it is larger than 4 MiB");
  }
  const char* home = std::getenv("HOME");
  return parse_fleet(text, {.path = path, .home = home == nullptr ? "" : home}, load_inventory);
}

}  // namespace kongfleet::controller
