// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_sections.hpp"
#include "controller/host_pattern.hpp"
#include "controller/plugin_configuration.hpp"
#include "controller/suggestion.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <regex>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t regex_max = 1000;  // bytes: the library recurses over it
constexpr std::size_t headers_max = 50;
constexpr std::string_view http = "http://";
constexpr DurationRange pause_range = {10ms, 10min};
constexpr IntegerRange status_range = {100, 599};
constexpr IntegerRange successes_range = {1, 1000};

bool token_char(char c) {  // RFC 9110, "token": what a header's name consists of
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

void check_regex(const TomlDocument& document, const TomlValue& value, const std::string& text) {
  if (text.size() > regex_max) {
    document.fail(value.at, "the regular expression is too long; 1000 bytes are the most");
  }
  try {
    const std::regex compiled(text, std::regex::ECMAScript);
  } catch (const std::regex_error& error) {
    document.fail(value.at, "\"" + printable(text, 100) +
                                "\" is not a regular expression: " + printable(error.what(), 100) +
                                "; it is one of ECMAScript, as in \"http://.*\"");
  }
}

// One host and, where `port_needed`, its port; `offset` is where `text` begins within `value`.
void check_address(const TomlDocument& document, const TomlValue& value, std::size_t offset,
                   const std::string& text) {
  try {
    const auto hosts = expand_host_pattern(text);
    if (hosts.size() != 1) throw BadHostPattern(0, "found a range; a probe asks one address");
  } catch (const BadHostPattern& error) {
    document.fail(document.inside(value, offset + error.offset()), error.what());
  }
}

std::string read_url(const TomlDocument& document, const TomlValue& value) {
  const auto& url = read_text(document, value, "url");
  constexpr std::string_view right = "a probe's url is http://HOST[:PORT]/PATH";
  const auto fail = [&](std::size_t offset, const std::string& found) {
    document.fail(document.inside(value, offset), found + "; " + std::string(right));
  };
  if (url.starts_with("https://")) {
    fail(0, "found https; the agent asks its own Kong without TLS, on a plain listener");
  }
  if (!url.starts_with(http)) fail(0, "found \"" + printable(url, 100) + "\" as a url");
  const auto path = std::min(url.find_first_of("/?", http.size()), url.size());
  for (std::size_t i = http.size(); i < url.size(); ++i) {
    const bool good = url[i] > ' ' && url[i] < '\x7f' && url[i] != '#' && url[i] != '"';
    if (!good) fail(i, "found '" + printable(url.substr(i, 1)) + "' in a url");
  }
  if (path < url.size() && url[path] == '?') fail(path, "found '?' before the path");
  if (url.find('@') < path) fail(url.find('@'), "found a user in a url");
  check_address(document, value, http.size(), url.substr(http.size(), path - http.size()));
  return path == url.size() ? url + "/" : url;
}

std::string read_address(const TomlDocument& document, const TomlValue& value) {
  const auto& text = read_text(document, value, "address");
  check_address(document, value, 0, text);
  if (!expand_host_pattern(text).front().port) {
    document.fail(value.at, "found \"" + printable(text, 100) +
                                "\" as an address; write HOST:PORT, as in \"127.0.0.1:8000\"");
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> read_headers(const TomlDocument& document,
                                                              const TomlValue& value) {
  const auto* table = std::get_if<TomlTable>(&value.data);
  if (table == nullptr) {
    document.fail(value.at, "found " + describe(value) +
                                " for 'header'; write header = { X-MyPlugin = \"http://.*\" }");
  }
  if (table->size() > headers_max) document.fail(value.at, "too many headers; 50 are the most");
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& entry : *table) {
    if (entry.key.empty() || !std::all_of(entry.key.begin(), entry.key.end(), token_char)) {
      document.fail(entry.at, "'" + printable(entry.key, 100) +
                                  "' is not a header's name; it has letters, digits and '-'");
    }
    const auto& regex = read_text(document, entry.value, entry.key);
    check_regex(document, entry.value, regex);
    headers.emplace_back(entry.key, regex);
  }
  return headers;
}

ProbeType read_type(const TomlFields& fields) {
  const auto& document = fields.document();
  const auto& value = fields.need("type", R"(type = "http", type = "tcp" or type = "smoke")");
  const auto& type = read_text(document, value, "type");
  if (type == "http") return ProbeType::Http;
  if (type == "tcp") return ProbeType::Tcp;
  if (type == "smoke") return ProbeType::Smoke;
  if (type == "command") {
    document.fail(value.at,
                  "a fleet file cannot have probes of type \"command\": a controller must not "
                  "choose what a host executes; declare it as [[probe]] in the host's agent.toml");
  }
  document.fail(value.at, "found \"" + printable(type, 100) + "\" as a type; " +
                              did_you_mean(type, {"http", "tcp", "smoke"},
                                           "it is \"http\", \"tcp\" or \"smoke\""));
}

// What an http probe and a smoke test want of the response.
void read_response(const TomlFields& fields, ProbeSpec& probe) {
  const auto& document = fields.document();
  if (const auto* value = fields.find("status")) {
    probe.status = static_cast<unsigned>(read_integer(document, *value, "status", status_range));
  }
  if (const auto* value = fields.find("header")) probe.header = read_headers(document, *value);
  if (const auto* value = fields.find("body")) {
    probe.body = read_text(document, *value, "body");
    check_regex(document, *value, probe.body);
  }
}

void read_smoke(const TomlFields& fields, const Fleet& fleet, ProbeSpec& probe) {
  const auto& document = fields.document();
  if (const auto* value = fields.find("plugin")) {
    probe.plugin = read_text(document, *value, "plugin");
    std::vector<std::string> known;
    for (const auto& plugin : fleet.plugins) known.push_back(plugin.name.text());
    if (std::find(known.begin(), known.end(), probe.plugin) == known.end()) {
      const auto name = printable(probe.plugin, 100);
      document.fail(value->at,
                    "there is no plugin '" + name + "'; " +
                        did_you_mean(probe.plugin, known, "define it in [plugins." + name + "]"));
    }
  }
  if (const auto* value = fields.find("config")) {
    probe.config = plugin_configuration(document, *value);
  }
  if (const auto* value = fields.find("introduce")) {
    const auto* introduce = std::get_if<bool>(&value->data);
    if (introduce == nullptr) {
      document.fail(value->at,
                    "found " + describe(*value) + " for 'introduce'; it is true or false");
    }
    probe.introduce = *introduce;
  }
  read_response(fields, probe);
}

std::vector<std::string> keys_of(ProbeType type) {
  std::vector<std::string> keys = {"type", "interval", "timeout", "successes"};
  switch (type) {
    case ProbeType::Smoke:
      keys.insert(keys.begin() + 1, {"plugin", "config", "introduce", "status", "header", "body"});
      break;
    case ProbeType::Http:
      keys.insert(keys.begin() + 1, {"url", "status", "header", "body"});
      break;
    case ProbeType::Tcp:
    case ProbeType::Command:
      keys.insert(keys.begin() + 1, "address");
  }
  return keys;
}

}  // namespace

ProbeSpec read_probe(const TomlDocument& document, const TomlEntry& entry, const Fleet& fleet) {
  check_plain_name(document, entry.at, entry.key, "probe");
  const TomlFields fields(document, entry.value, "[probes." + entry.key + "]");
  ProbeSpec probe{.name = entry.key, .type = read_type(fields)};
  fields.allow_only(keys_of(probe.type));
  if (probe.type == ProbeType::Http) {
    probe.url = read_url(document, fields.need("url", R"(url = "http://127.0.0.1:8000/")"));
    read_response(fields, probe);
  } else if (probe.type == ProbeType::Smoke) {
    read_smoke(fields, fleet, probe);
  } else {
    probe.address = read_address(document, fields.need("address", R"(address = "127.0.0.1:8000")"));
  }
  if (const auto* value = fields.find("interval")) {
    probe.interval = read_duration(document, *value, "interval", pause_range);
  }
  if (const auto* value = fields.find("timeout")) {
    probe.timeout = read_duration(document, *value, "timeout", pause_range);
  }
  if (const auto* value = fields.find("successes")) {
    probe.successes =
        static_cast<unsigned>(read_integer(document, *value, "successes", successes_range));
  }
  return probe;
}

}  // namespace kongfleet::controller
