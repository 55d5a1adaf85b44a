// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_conf_edit.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace kongfleet::agent {
namespace {

constexpr auto none = std::string_view::npos;
constexpr std::string_view path_key = "lua_package_path";
constexpr std::string_view plugins_key = "plugins";

bool is_ours(std::string_view key) { return key == path_key || key == plugins_key; }

std::size_t line_number(std::string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

/// What keeps us from a file, whatever it says.
std::optional<ConfProblem> check_bytes(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    return ConfProblem{1,
                       "the file begins with a UTF-8 byte order mark, which makes Kong ignore its "
                       "first setting; save it without one"};
  }
  if (const auto at = text.find('\0'); at != none) {
    return ConfProblem{line_number(text, at), "a NUL byte: the file is damaged, or not plain text"};
  }
  if (text.find('\r') != none && text.find('\n') == none) {
    return ConfProblem{1, "lines end with CR alone, so Kong reads the file as one line; use LF"};
  }
  return std::nullopt;
}

/// What keeps us from a file although Kong reads it.
std::optional<ConfProblem> check_structure(const KongConf& conf) {
  if (conf.section()) {
    return ConfProblem{*conf.section(),
                       "Kong ignores every setting below a [section]; remove this line"};
  }
  for (const auto& lost : conf.swallowed()) {
    if (!is_ours(lost.key)) continue;
    return ConfProblem{lost.line, "Kong does not see " + lost.key + " here, because line " +
                                      std::to_string(lost.into) +
                                      " ends with '\\'; remove that '\\'"};
  }
  for (const auto key : {path_key, plugins_key}) {
    if (conf.find(key) || !conf.unfinished()) continue;
    return ConfProblem{*conf.unfinished(),
                       "the file ends within this line, because it ends with "
                       "'\\', so nothing can be appended; remove that '\\'"};
  }
  return std::nullopt;
}

/// What `written` says, without its escapes: what Kong must read.
std::string unescaped(std::string_view written) {
  std::string value;
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (!written.substr(i).starts_with("\\#")) value += written[i];
  }
  return value;
}

/// Whether Kong takes a value for what it says, and not for a number, say.
bool reads_as_written(const std::string& written, ConfDialect dialect) {
  const auto parsed = KongConf::parse("value = " + written, dialect);
  const auto* conf = std::get_if<KongConf>(&parsed);
  if (!conf) return false;
  const auto& setting = conf->settings().at(0);
  return setting.kind == ConfKind::Text && setting.value == unescaped(written);
}

/// What stands between quotes in a reason: enough of it to be recognised.
std::string quoted(std::string_view text) {
  constexpr std::size_t shown = 80;
  return "'" + std::string(text.substr(0, shown)) + (text.size() > shown ? "…'" : "'");
}

/// The line in which a setting says its value, without its end.
std::string_view line_of(std::string_view text, const ConfSetting& setting) {
  const auto begin = text.rfind('\n', setting.written - 1) + 1;
  auto line = text.substr(begin, text.find('\n', setting.written) - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Why Kong's treatment of '#' before 3.2 keeps us from a value; "" when it does not.
std::string unsafe_before_32(std::string_view written, std::string_view behind) {
  if (written.starts_with('#')) {
    return "Kong before 3.2 takes this comment for the value; put it on a line of its own";
  }
  if (written.find('#') != none) {
    return "Kong before 3.2 loses a '\\#' when it writes the value to .kong_env; do without '#'";
  }
  const auto comment = without_blanks(behind);
  if (!comment.empty() && comment[0] != '#') {
    return "Kong before 3.2 also cuts off the character before '#'; put a blank between them";
  }
  return {};
}

/// One of our two keys, on its way through an edit.
struct Part {
  std::string_view key;
  const ConfSetting* setting;  // nullptr: the key is absent
  std::string written;         // as it stands in the file, or Kong's default
  std::string rewritten;
  bool touched() const { return !setting || rewritten != written; }
  std::size_t line() const { return setting ? setting->line : 0; }
};

std::optional<ConfProblem> check_value(std::string_view text, ConfDialect dialect,
                                       const Part& part) {
  if (!part.setting) return std::nullopt;
  const auto& setting = *part.setting;
  if (setting.last_line != setting.line) {
    return ConfProblem{setting.line, std::string(part.key) +
                                         " goes on over several lines ('\\' at the end); write it "
                                         "on one"};
  }
  const auto behind = text.substr(setting.written_end, setting.line_end - setting.written_end);
  std::string reason = why_unsafe(part.written);
  if (line_of(text, setting).find('\r') != none) reason = "a CR stands within the line; remove it";
  if (reason.empty() && dialect == ConfDialect::Before32) {
    reason = unsafe_before_32(part.written, behind);
  }
  if (reason.empty() && setting.kind == ConfKind::Table) {
    reason = "Kong cannot read a value with '_blank_' in it; spell it differently";
  }
  if (!reason.empty()) return ConfProblem{setting.line, std::string(part.key) + ": " + reason};
  return std::nullopt;
}

std::optional<ConfProblem> rewrite(Part& part, std::string_view text, ConfDialect dialect,
                                   Rewritten result) {
  if (auto* problem = std::get_if<ConfProblem>(&result)) {
    problem->line = part.line();
    return std::move(*problem);
  }
  part.rewritten = std::get<std::string>(std::move(result));
  for (const auto* value : {&part.written, &part.rewritten}) {
    if (reads_as_written(*value, dialect)) continue;
    return ConfProblem{part.line(), std::string(part.key) + ": Kong would not read " +
                                        quoted(*value) + " as it is written; spell it differently"};
  }
  if (!part.setting || !part.rewritten.empty() || !part.touched()) return std::nullopt;
  // Before 3.2 a comment behind nothing is the value. Kong itself ends the path with ';;'.
  const auto behind = without_blanks(
      text.substr(part.setting->written_end, part.setting->line_end - part.setting->written_end));
  if (!behind.empty()) part.rewritten = ";;";
  return std::nullopt;
}

/// Puts a value in the place of the one before, with a blank where '=' or '#' would touch it.
void replace(Edited& edited, const Part& part) {
  const auto& setting = *part.setting;
  auto& text = edited.text;
  std::string value = part.rewritten;
  if (text[setting.written - 1] == '=' && part.written.empty()) value.insert(0, 1, ' ');
  if (text.substr(setting.written_end, 1) == "#") value += ' ';
  std::string before(line_of(text, setting));
  text.replace(setting.written, setting.written_end - setting.written, value);
  edited.lines.push_back({setting.line, std::move(before), std::string(line_of(text, setting))});
}

void append(Edited& edited, const Part& part) {
  auto& text = edited.text;
  const auto last = text.rfind('\n');
  const bool crlf = last != none && last > 0 && text[last - 1] == '\r';
  const std::string_view line_end = crlf ? "\r\n" : "\n";
  // Not a '\r' as well: behind "12 kB" it would turn Kong's number 12 into text.
  if (!text.empty() && text.back() != '\n') text += '\n';
  const std::string line = std::string(part.key) + " = " + part.rewritten;
  edited.lines.push_back({line_number(text, text.size()), std::nullopt, line});
  text.append(line).append(line_end);
}

Edited apply(std::string_view text, const Part& path, const Part& plugins) {
  Edited edited{.text = std::string(text),
                .lua_package_path = unescaped(path.rewritten),
                .plugins = unescaped(plugins.rewritten)};
  // The one further down first: the other one's place must not move.
  const bool path_first = path.setting && plugins.setting && path.line() < plugins.line();
  const auto& below = path_first ? plugins : path;
  const auto& above = path_first ? path : plugins;
  for (const auto* part : {&below, &above}) {
    if (part->setting && part->touched()) replace(edited, *part);
  }
  std::reverse(edited.lines.begin(), edited.lines.end());
  for (const auto* part : {&path, &plugins}) {
    if (!part->setting) append(edited, *part);
  }
  return edited;
}

using Values = std::map<std::string, std::pair<ConfKind, std::string>>;

Values values_of(const KongConf& conf) {
  Values values;
  for (const auto& setting : conf.settings()) values[setting.key] = {setting.kind, setting.value};
  return values;
}

}  // namespace

std::optional<ConfProblem> check_edit(std::string_view before, std::string_view after,
                                      ConfDialect dialect, const Intended& intended) {
  for (const auto reading : {ConfDialect::Before32, ConfDialect::From32}) {
    const auto parsed_before = KongConf::parse(before, reading);
    const auto parsed_after = KongConf::parse(after, reading);
    for (const auto* parsed : {&parsed_before, &parsed_after}) {
      if (const auto* problem = std::get_if<ConfProblem>(parsed)) return *problem;
    }
    auto wanted = values_of(std::get<KongConf>(parsed_before));
    const auto got = values_of(std::get<KongConf>(parsed_after));
    if (reading == dialect || intended.path_touched) {
      wanted[std::string(path_key)] = {ConfKind::Text, intended.lua_package_path};
    }
    if (reading == dialect || intended.plugins_touched) {
      wanted[std::string(plugins_key)] = {ConfKind::Text, intended.plugins};
    }
    const auto [want, get] = std::mismatch(wanted.begin(), wanted.end(), got.begin(), got.end());
    if (want == wanted.end() && get == got.end()) continue;
    const bool lacks = get == got.end() || (want != wanted.end() && want->first < get->first);
    return ConfProblem{0, "internal: the edited file would not say what it should for " +
                              quoted(lacks ? want->first : get->first) + "; it was not written"};
  }
  return std::nullopt;
}

std::variant<Edited, ConfProblem> edit(std::string_view text, ConfDialect dialect,
                                       const Change& change) {
  if (auto problem = check_change(change)) return *std::move(problem);
  if (auto problem = check_bytes(text)) return *std::move(problem);
  auto parsed = KongConf::parse(text, dialect);
  if (auto* problem = std::get_if<ConfProblem>(&parsed)) return std::move(*problem);
  const auto& conf = std::get<KongConf>(parsed);
  if (auto problem = check_structure(conf)) return *std::move(problem);

  const auto part_of = [&](std::string_view key, std::string_view by_default) {
    const auto* setting = conf.find(key);
    const auto written =
        setting ? text.substr(setting->written, setting->written_end - setting->written)
                : by_default;
    return Part{.key = key, .setting = setting, .written = std::string(written)};
  };
  Part path = part_of(path_key, default_lua_package_path);
  Part plugins = part_of(plugins_key, default_plugins);
  for (const auto* part : {&path, &plugins}) {
    if (auto problem = check_value(text, dialect, *part)) return *std::move(problem);
  }
  auto problem = rewrite(path, text, dialect, path_with(path.written, change));
  if (!problem) {
    problem = rewrite(plugins, text, dialect, plugins_with(plugins.written, change));
  }
  if (problem) return *std::move(problem);

  Edited edited = apply(text, path, plugins);
  const Intended intended{.lua_package_path = edited.lua_package_path,
                          .plugins = edited.plugins,
                          .path_touched = path.touched(),
                          .plugins_touched = plugins.touched()};
  if (auto wrong = check_edit(text, edited.text, dialect, intended)) return *std::move(wrong);
  return edited;
}

}  // namespace kongfleet::agent
