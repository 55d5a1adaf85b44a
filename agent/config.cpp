// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/config.hpp"

#include "agent/config_table.hpp"
#include "agent/durable_file.hpp"
#include "agent/followed_path.hpp"
#include "agent/http_client.hpp"
#include "agent/probe.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"
#include "proto/toml_text.hpp"

#include <algorithm>
#include <set>

namespace kongfleet::agent {
namespace {

// More probes than a transaction's time allows are a mistake of whoever generated the file.
constexpr std::size_t probes_max = 64;
constexpr std::size_t config_bytes_max = std::size_t{1} << 20;

constexpr unsigned serial_jump_max = 4'000'000'000;

void read_path(const ConfigTable& table, std::string_view key, std::filesystem::path& path) {
  std::string text = path.string();
  table.absolute_path(key, text);
  path = text;
}

/// "auto", "none", or an http URL.
void read_api(const ConfigTable& table, std::string_view key, std::string& value) {
  table.text(key, value);
  if (table.find(key) == nullptr || value == "auto" || value == "none") return;
  const auto url = HttpUrl::parse(value);
  if (const auto* why = std::get_if<std::string>(&url))
    table.fail(*table.find(key), "found " + described(*table.find(key)) + " for '" +
                                     std::string(key) + "': " + *why +
                                     R"(, expected "auto", "none" or "http://ADDRESS:PORT")");
  while (value.back() == '/') value.pop_back();
}

/// A key of which this version has some of the values the format allows.
void read_choice(const ConfigTable& table, std::string_view key, std::string& value,
                 const std::vector<std::string_view>& choices) {
  table.text(key, value);
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  std::string choice;
  for (const auto& name : choices)
    choice += (choice.empty() ? "\"" : " or \"") + std::string(name) + "\"";
  table.fail(*table.find(key), "found " + described(*table.find(key)) + " for '" +
                                   std::string(key) + "', expected " + choice);
}

void read_kong(const ConfigTable& table, Config& config) {
  table.allow_only({"conf", "prefix", "binary", "unit", "admin", "status", "configure"});
  read_path(table, "conf", config.conf);
  read_path(table, "prefix", config.prefix);
  table.text("binary", config.binary);
  table.text("unit", config.unit);
  const bool dangerous = config.unit.front() == '-' || config.unit.find('/') != std::string::npos;
  if (dangerous)
    table.fail(*table.find("unit"), "found " + described(*table.find("unit")) +
                                        R"( for 'unit', expected "auto", "none" or a unit's name)");
  if (config.binary.find('/') != std::string::npos && config.binary.front() != '/')
    table.fail(*table.find("binary"), "found " + described(*table.find("binary")) +
                                          " for 'binary', expected a name or an absolute path");
  read_api(table, "admin", config.admin);
  read_api(table, "status", config.status);
  read_choice(table, "configure", config.configure, {"file", "environment"});
  if (config.configure == "environment" && config.unit == "none")
    table.fail(*table.find("configure"),
               "found the text \"environment\" for 'configure' beside unit = \"none\", expected "
               "\"file\": only a unit has an environment to manage");
}

void read_agent(const ConfigTable& table, Config& config) {
  table.allow_only({"socket", "state", "keep", "reserve", "group"});
  read_path(table, "socket", config.socket);
  // sun_path has 108 bytes (unix(7)).
  if (config.socket.string().size() > 107)
    table.fail(*table.find("socket"), "found " + std::to_string(config.socket.string().size()) +
                                          " bytes for 'socket', expected at most 107");
  read_path(table, "state", config.state);
  table.number("keep", config.keep, 1, 1000);
  table.size("reserve", config.reserve);
  table.text("group", config.group);
}

void read_trust(const ConfigTable& table, Config& config) {
  table.allow_only({"signatures", "allowed_signers", "revoked_keys", "fleet", "serial_jump"});
  read_choice(table, "signatures", config.signatures, {"required", "optional", "off"});
  read_path(table, "allowed_signers", config.allowed_signers);
  if (table.find("revoked_keys") != nullptr) read_path(table, "revoked_keys", config.revoked_keys);
  table.text("fleet", config.fleet);
  if (table.find("fleet") != nullptr && !is_plain_name(config.fleet))
    table.fail(*table.find("fleet"),
               "found " + described(*table.find("fleet")) +
                   " for 'fleet', expected the name that [fleet] of the fleet "
                   "file has");
  if (config.signatures == "required" && config.fleet.empty())
    table.fail(*table.find("signatures"),
               "found the text \"required\" for 'signatures' and no 'fleet', expected fleet = "
               "\"NAME\" beside it: else a release that was signed for other hosts would pass");
  table.number("serial_jump", config.serial_jump, 1, serial_jump_max);
}

void read_headers(const ConfigTable& table, ProbeSpec& probe) {
  constexpr std::string_view example = "header = { X-MyPlugin = \"http://.*\" }";
  const auto* headers = table.table("header", example);
  if (headers == nullptr) return;
  const auto inner = table.inner("header", *headers);
  for (const auto& [name, value] : *headers) {
    std::string pattern;
    inner.text(name.str(), pattern);
    const auto why = why_bad_pattern(pattern);
    if (!why.empty())
      inner.fail(value, "found " + described(value) + ", expected a regular expression: " + why);
    probe.header.emplace_back(std::string(name.str()), pattern);
  }
}

void read_http_probe(const ConfigTable& table, ProbeSpec& probe) {
  table.allow_only(
      {"name", "type", "url", "status", "header", "body", "interval", "timeout", "successes"});
  table.text("url", probe.url);
  if (probe.url.empty()) table.fail("found no 'url' in an http probe, expected url = \"http://…\"");
  const auto url = HttpUrl::parse(probe.url);
  if (const auto* why = std::get_if<std::string>(&url))
    table.fail(*table.find("url"), "found " + described(*table.find("url")) + " for 'url': " +
                                       *why + ", expected \"http://HOST[:PORT]/PATH\"");
  table.number("status", probe.status, 100, 599);
  read_headers(table, probe);
  table.text("body", probe.body);
  const auto why = why_bad_pattern(probe.body);
  if (!why.empty())
    table.fail(*table.find("body"), "found " + described(*table.find("body")) +
                                        " for 'body', expected a regular expression: " + why);
}

void read_tcp_probe(const ConfigTable& table, ProbeSpec& probe) {
  table.allow_only({"name", "type", "address", "interval", "timeout", "successes"});
  table.text("address", probe.address);
  if (probe.address.empty())
    table.fail("found no 'address' in a tcp probe, expected address = \"127.0.0.1:8000\"");
  if (!HostPort::parse(probe.address))
    table.fail(*table.find("address"), "found " + described(*table.find("address")) +
                                           " for 'address', expected \"HOST:PORT\"");
}

void read_command_probe(const ConfigTable& table, ProbeSpec& probe) {
  table.allow_only({"name", "type", "command", "interval", "timeout", "successes"});
  table.texts("command", probe.command);
  if (probe.command.empty())
    table.fail("found no 'command' in a command probe, expected command = [\"/path/to/check\"]");
  if (probe.command.front().find('/') != 0)
    table.fail(*table.find("command"), "found \"" + printable(probe.command.front(), 100) +
                                           "\" as the command, expected an absolute path");
}

ProbeSpec read_probe(const ConfigTable& table) {
  ProbeSpec probe;
  probe.own = true;
  table.text("name", probe.name);
  if (probe.name.empty()) table.fail("found no 'name' in [[probe]], expected name = \"…\"");
  std::string type;
  table.text("type", type);
  if (type == "http") {
    probe.type = ProbeType::Http;
    read_http_probe(table, probe);
  } else if (type == "tcp") {
    probe.type = ProbeType::Tcp;
    read_tcp_probe(table, probe);
  } else if (type == "command") {
    probe.type = ProbeType::Command;
    read_command_probe(table, probe);
  } else {
    const auto* node = table.find("type");
    const std::string found = node == nullptr ? "no 'type' in [[probe]]" : described(*node);
    table.fail(node == nullptr ? table.raw() : *node,
               "found " + found + R"(, expected type = "http", "tcp" or "command")");
  }
  table.duration("interval", probe.interval);
  table.duration("timeout", probe.timeout);
  table.number("successes", probe.successes, 1, 1000);
  return probe;
}

void read_probes(const ConfigTable& root, Config& config) {
  const auto* node = root.find("probe");
  if (node == nullptr) return;
  if (!node->is_array_of_tables())
    root.fail(*node, "found " + described(*node) + " for 'probe', expected [[probe]]");
  const auto& probes = *node->as_array();
  if (probes.size() > probes_max)
    root.fail(*node, "found " + std::to_string(probes.size()) + " probes, expected at most " +
                         std::to_string(probes_max));
  std::set<std::string> names;
  for (const auto& entry : probes) {
    const auto table = root.inner("[[probe]]", *entry.as_table());
    config.probes.push_back(read_probe(table));
    if (!names.insert(config.probes.back().name).second)
      table.fail(*table.find("name"), "found a second probe named '" +
                                          printable(config.probes.back().name, 100) +
                                          "', expected every name once");
  }
}

void read_section(const ConfigTable& root, const std::string& name, Config& config,
                  void (*read)(const ConfigTable&, Config&)) {
  const auto* section = root.table(name, "a section [" + name + "]");
  if (section != nullptr) read(root.inner("[" + name + "]", *section), config);
}

toml::table parsed(const std::filesystem::path& path, const std::string& text) {
  if (const auto stray = stray_character(text)) {
    throw Error(path.string() + ":" + std::to_string(stray->line) + ":" +
                std::to_string(stray->column) +
                ": found a character beyond ASCII, expected quotes around it");
  }
  if (const auto deep = nested_too_deep(text)) {
    throw Error(path.string() + ":" + std::to_string(deep->line) + ":" +
                std::to_string(deep->column) + ": found too many tables within each other");
  }
  try {
    return toml::parse(text, path.string());
  } catch (const toml::parse_error& error) {
    const auto where = error.source().begin;
    throw Error(path.string() + ":" + std::to_string(where.line) + ":" +
                std::to_string(where.column) +
                ": found a mistake in the TOML: " + printable(error.description(), 300));
  } catch (const TomlBroken& error) {
    throw Error(path.string() + ":1:1: " + error.what());
  }
}

}  // namespace

Config load_config(const std::filesystem::path& path, const std::filesystem::path& default_path) {
  Config config;
  if (path == default_path && is_absent(path)) return config;
  const auto document = parsed(path, read_file(path, config_bytes_max));
  const ConfigTable root(path.string(), "the file", document);
  root.allow_only({"kong", "agent", "trust", "probe"});
  read_section(root, "kong", config, read_kong);
  read_section(root, "agent", config, read_agent);
  read_section(root, "trust", config, read_trust);
  read_probes(root, config);
  // No reason not to start: what is under way has to be taken back.
  try {
    config.who_may_write = who_may_write(path);
  } catch (const std::exception& error) {
    config.who_may_write = error.what();
  }
  return config;
}

}  // namespace kongfleet::agent
