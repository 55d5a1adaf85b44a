// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/unit_commands.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace kongfleet::agent {
namespace {

using Words = std::vector<std::string>;

constexpr std::array<std::string_view, 4> verbs{"prepare", "reload", "start", "restart"};

std::string file_name(std::string_view word) {
  return std::string(word.substr(word.rfind('/') + 1));
}

/// Each command's words, those of a shell's script too: quotes only hide what we look for.
std::vector<Words> commands_in(std::string_view shown) {
  std::vector<Words> commands;
  std::istringstream lines{std::string(shown)};
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view mark = "argv[]=";
    const auto begin = line.find(mark);
    if (begin == std::string::npos) continue;
    auto text = line.substr(begin + mark.size());
    text.resize(std::min(text.rfind(" ; ignore_errors"), text.size()));
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '"' || c == '\''; }, ' ');
    std::istringstream words(text);
    auto& command = commands.emplace_back();
    for (std::string word; words >> word;) {
      const bool ends = word.size() > 1 && word.ends_with(';');
      if (ends) word.pop_back();
      command.push_back(word);
      if (ends) command.emplace_back(";");
    }
  }
  return commands;
}

/// The options of one call, up to where a shell's next command begins.
KongCall call_at(const Words& words, std::size_t verb) {
  KongCall call{.verb = words[verb]};
  for (std::size_t at = verb + 1; at < words.size(); ++at) {
    const auto& word = words[at];
    if (word == ";" || word == "&&" || word == "||") break;
    const auto equals = word.find('=');
    const auto option = word.substr(0, equals);
    std::string value = equals != std::string::npos ? word.substr(equals + 1) : "";
    if (equals == std::string::npos && at + 1 < words.size()) value = words[at + 1];
    if (option == "-c" || option == "--conf") call.conf = value;
    if (option == "-p" || option == "--prefix") call.prefix = value;
  }
  return call;
}

bool runs_only_nginx(std::string_view shown) {
  const auto commands = commands_in(shown);
  return !commands.empty() && std::all_of(commands.begin(), commands.end(), [](const Words& words) {
    return !words.empty() && file_name(words[0]) == "nginx";
  });
}

/// Whether what the calls leave behind, one after the other, is what `conf` says.
bool end_with(const std::vector<KongCall>& calls, const ConfInUse& conf) {
  std::error_code ignored;
  const bool without_option =
      conf.by_default || (conf.environment && !std::filesystem::exists(conf.path, ignored));
  bool right = false;
  for (const auto& call : calls) {
    // `kong reload` without -c asks .kong_env, which an earlier call made; only the environment
    // beats that.
    const bool keeps = call.verb == "reload" && call.conf.empty();
    if (keeps) right = right || conf.environment;
    if (!keeps) right = call.conf.empty() ? without_option : call.conf == conf.path;
  }
  return right;
}

Finding defect(const KongUnit& unit, const std::string& key, const std::string& text,
               const std::string& advice) {
  Finding finding;
  finding.code = "unit";
  finding.file = unit.files.empty() ? "" : unit.files.front().string();
  for (const auto& command : unit.commands) {
    if (!command.text.starts_with(key)) continue;
    finding.file = command.file.string();
    finding.line = command.line;
    break;
  }
  finding.text = text;
  finding.advice = advice;
  return finding;
}

}  // namespace

std::vector<KongCall> kong_calls(std::string_view shown) {
  std::vector<KongCall> calls;
  for (const auto& words : commands_in(shown)) {
    for (std::size_t at = 1; at < words.size(); ++at) {
      const bool is_call = file_name(words[at - 1]) == "kong" &&
                           std::find(verbs.begin(), verbs.end(), words[at]) != verbs.end();
      if (is_call) calls.push_back(call_at(words, at));
    }
  }
  return calls;
}

std::filesystem::path prefix_of_unit(const KongUnit& unit) {
  for (const auto& shown : {unit.exec_start, unit.exec_reload})
    for (const auto& call : kong_calls(shown))
      if (!call.prefix.empty()) return call.prefix;
  const auto* variable = unit.variable("KONG_PREFIX");
  return variable != nullptr ? variable->value : "";
}

std::optional<Finding> reload_defect(const KongUnit& unit, const ConfInUse& conf) {
  const auto path = conf.path.string();
  if (end_with(kong_calls(unit.exec_reload), conf)) return std::nullopt;
  const bool none = unit.exec_reload.empty();
  return defect(unit, "ExecReload",
                none ? unit.name + " has no ExecReload: it can't be reloaded"
                     : "ExecReload of " + unit.name + " does not have Kong read '" + path + "'",
                "add a drop-in in which ExecReload=/usr/local/bin/kong prepare -c " + path +
                    " -p PREFIX comes before the reload of nginx");
}

std::optional<Finding> start_defect(const KongUnit& unit, const ConfInUse& conf) {
  const auto path = conf.path.string();
  const auto starts = kong_calls(unit.exec_start);
  const bool bad = starts.empty() ? runs_only_nginx(unit.exec_start) : !end_with(starts, conf);
  if (!bad) return std::nullopt;
  return defect(
      unit, "ExecStart",
      unit.name + " does not have Kong read '" + path +
          "' when it starts: after a power cut it could come up with something that was "
          "never confirmed",
      "add a drop-in with ExecStartPre=/usr/local/bin/kong prepare -c " + path + " -p PREFIX");
}

std::vector<Finding> command_defects(const KongUnit& unit, const ConfInUse& conf) {
  std::vector<Finding> findings;
  if (auto found = reload_defect(unit, conf)) findings.push_back(*std::move(found));
  if (auto found = start_defect(unit, conf)) findings.push_back(*std::move(found));
  return findings;
}

}  // namespace kongfleet::agent
