// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/preflight.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace kongfleet::agent {
namespace {

constexpr std::size_t text_max = 1000;  // of one finding
constexpr std::size_t findings_max = 20;

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Kong's message without what only its own developers read: stack, paths tried, usage.
std::string message_of(std::string_view error) {
  if (const auto begin = error.find("Error: "); begin != std::string_view::npos)
    error.remove_prefix(begin + 7);
  error = error.substr(0, error.find("\nstack traceback:"));
  error = error.substr(0, error.find("\n  Run with --v"));
  error = error.substr(0, error.find("\nRun with --v"));  // as the journal has it, without blanks
  std::string text;
  while (!error.empty()) {
    const auto end = std::min(error.find('\n'), error.size());
    const auto line = error.substr(0, end);
    const bool noise = line.starts_with("\tno f") || line.empty();
    if (!noise) text.append(line).append("\n");
    error.remove_prefix(std::min(end + 1, error.size()));
  }
  if (!text.empty()) text.pop_back();
  return text;
}

std::string in_one_line(std::string text) {
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) {
    const auto end = std::min(text.find_first_not_of("\n\t ", at), text.size());
    text.replace(at, end - at, " ");
  }
  return printable(text, text_max);
}

bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

std::string name_at(std::string_view text, std::size_t begin) {
  auto end = begin;
  while (end < text.size() && name_char(text[end])) ++end;
  return std::string(text.substr(begin, end - begin));
}

/// The plugin a message is about: Kong says it in one of these ways.
std::string plugin_in(std::string_view text) {
  constexpr std::array<std::string_view, 5> before{
      "on plugin '", "'kong.plugins.", "schema found for plugin: ", "Plugin \"", "plugin '"};
  for (const auto& words : before) {
    const auto at = text.find(words);
    if (at != std::string_view::npos) return name_at(text, at + words.size());
  }
  const auto after = text.find(" plugin is enabled but not installed");
  if (after == std::string_view::npos) return "";
  auto begin = after;
  while (begin > 0 && name_char(text[begin - 1])) --begin;
  return std::string(text.substr(begin, after - begin));
}

/// A file's path inside the generation. Lua shortens long paths in messages:
/// "...fleet/generations/000007-3f/kong/…".
std::optional<std::string> inside(std::string_view path, const std::filesystem::path& generation) {
  const std::string root = generation.filename().string() + "/";
  const auto at = path.find(root);
  if (!generation.empty() && at != std::string_view::npos)
    return std::string(path.substr(at + root.size()));
  const auto plugins = path.find("kong/plugins/");
  if (path.starts_with("...") && plugins != std::string_view::npos)
    return std::string(path.substr(plugins));
  return std::nullopt;
}

/// The last "PATH.lua:LINE:" of a message that lies in the generation: the innermost cause. Returns
/// what is said after it; empty where there is none.
std::string_view locate(std::string_view text, const std::filesystem::path& generation,
                        Finding& finding) {
  std::string_view said;
  constexpr std::string_view mark = ".lua:";
  for (auto at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
    const auto digits = text.substr(at + mark.size());
    unsigned line = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), line);
    if (error != std::errc() || end == digits.data() + digits.size() || *end != ':') continue;
    const auto before = text.substr(0, at).find_last_of(" \t\n'");
    const auto begin = before == std::string_view::npos ? 0 : before + 1;
    const auto file = inside(text.substr(begin, at + 4 - begin), generation);
    if (!file) continue;
    finding.file = *file;
    finding.line = line;
    said = digits.substr(static_cast<std::size_t>(end + 1 - digits.data()));
  }
  said.remove_prefix(std::min(said.find_first_not_of("\n\t "), said.size()));
  return said;
}

struct Kind {
  std::string_view words;
  std::string_view code;
  std::string_view advice;
  std::string_view file = {};  // of the plugin, where Kong names none
};

// The first that fits counts.
constexpr std::array<Kind, 13> kinds{{
    {"from file '", "syntax", "correct the Lua syntax there"},
    {"No LuaRocks module found", "load", "ship the module it requires with the plugin"},
    {"not found:", "load", "ship the module it requires with the plugin"},
    {"no configuration schema found", "schema", "every plugin needs a schema.lua", "schema.lua"},
    {"PRIORITY field", "priority", "Kong 3 wants a whole number as PRIORITY of the handler",
     "handler.lua"},
    {"VERSION field", "version", "Kong 3 wants a VERSION of the form x.y.z in the handler",
     "handler.lua"},
    {"schema violation", "schema", "correct schema.lua", "schema.lua"},
    {"enabled but not installed", "missing",
     "every name in `plugins` needs its kong/plugins/NAME/handler.lua", "handler.lua"},
    {"implements both `response`", "load",
     "a plugin has either `response`, or `header_filter` and `body_filter`", "handler.lua"},
    {"not enabled; add it", "config",
     "take the plugin out of the declarative configuration first, or leave it in `plugins`"},
    {"error loading module", "load", "correct what fails when the module is loaded"},
    {"Failed parsing", "config",
     "make the declarative configuration fit the schemas of the new generation"},
    {"has an invalid value", "conf", "correct that setting in kong.conf"},
}};

Finding finding_in(std::string_view message, const std::filesystem::path& generation) {
  Finding finding;
  finding.code = "load";
  finding.advice = "run `kong config parse` on this host to see all that Kong says";
  const auto kind = std::find_if(kinds.begin(), kinds.end(),
                                 [&](const Kind& entry) { return holds(message, entry.words); });
  if (kind != kinds.end()) {
    finding.code = kind->code;
    finding.advice = kind->advice;
  }
  finding.plugin = plugin_in(message);
  const auto said = locate(message, generation, finding);
  // There Kong says where, with whole paths, before it says what.
  const bool told = holds(message, "error loading module") && !said.empty();
  finding.text = in_one_line(std::string(told ? said : message));
  if (kind != kinds.end() && !kind->file.empty() && finding.file.empty() && !finding.plugin.empty())
    finding.file = "kong/plugins/" + finding.plugin + "/" + std::string(kind->file);
  return finding;
}

}  // namespace

std::vector<Finding> findings_in(std::string_view kong_error,
                                 const std::filesystem::path& generation) {
  const std::string message = message_of(kong_error);
  constexpr std::string_view next = "on plugin '";
  std::vector<Finding> findings;
  // "error loading plugin schemas: on plugin 'a': …; on plugin 'b': …": Kong 3 tells all of them.
  std::size_t begin = std::string_view(message).find(next);
  if (begin == std::string::npos) begin = 0;
  while (begin < message.size() && findings.size() < findings_max) {
    const auto end = std::min(message.find("; on plugin '", begin + 1), message.size());
    findings.push_back(
        finding_in(std::string_view(message).substr(begin, end - begin), generation));
    begin = end == message.size() ? end : end + 2;
  }
  if (findings.empty()) findings.push_back(finding_in("Kong says nothing", generation));
  return findings;
}

}  // namespace kongfleet::agent
