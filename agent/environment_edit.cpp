// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/environment_edit.hpp"

#include "agent/unit_file.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace kongfleet::agent {
namespace {

constexpr auto none = std::string_view::npos;
constexpr auto unit_file = ConfigurationKind::UnitFile;

using Assignments = std::vector<EnvironmentAssignment>;

std::size_t line_number(std::string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

/// The line that byte `at` stands on, which is not the first of the file.
std::string line_at(std::string_view text, std::size_t at) {
  const auto begin = text.rfind('\n', at - 1) + 1;
  auto line = text.substr(begin, text.find('\n', at) - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return std::string(line);
}

Assignments assignments_of(std::string_view text, ConfigurationKind kind) {
  return kind == unit_file ? unit_assignments(parse_unit_file(text)) : parse_environment_file(text);
}

/// What keeps us from a file, whatever it says.
std::optional<ConfProblem> check_bytes(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF"))
    return ConfProblem{1, "the file begins with a UTF-8 byte order mark; save it without one"};
  if (const auto at = text.find('\0'); at != none)
    return ConfProblem{line_number(text, at), "a NUL byte: the file is damaged, or no plain text"};
  for (auto at = text.find('\r'); at != none; at = text.find('\r', at + 1)) {
    if (!text.substr(at + 1).starts_with('\n'))
      return ConfProblem{line_number(text, at),
                         "a CR without LF, which some versions of systemd take for the end of the "
                         "line; remove it"};
  }
  return std::nullopt;
}

/// One of the two variables, on its way through an edit.
struct Part {
  std::string_view name;
  const EnvironmentAssignment* assignment = nullptr;  // nullptr: the file lacks it
  std::string value;                                  // as Kong has it now
  std::string rewritten;
  std::size_t line() const { return assignment != nullptr ? assignment->line : 0; }
};

ConfProblem problem_of(const Part& part, const std::string& reason) {
  return {part.line(), std::string(part.name) + ": " + reason};
}

/// Fills in what the file says; a variable may stand in it once.
std::optional<ConfProblem> find(Part& part, const Assignments& assignments) {
  for (const auto& assignment : assignments) {
    if (assignment.name != part.name) continue;
    if (part.assignment != nullptr)
      return ConfProblem{assignment.line, assignment.name + " is set twice in this file, in line " +
                                              std::to_string(part.assignment->line) +
                                              " too; remove the first one"};
    part.assignment = &assignment;
    part.value = assignment.value;
  }
  return std::nullopt;
}

std::optional<ConfProblem> check(const Part& part, ConfigurationKind kind) {
  const auto* assignment = part.assignment;
  if (assignment != nullptr && !assignment->place)
    return problem_of(part,
                      "escapes, joined lines or several quoted pieces make up the value; write it "
                      "as " +
                          assignment_line(kind, part.name, "VALUE"));
  if (assignment != nullptr && assignment->after_comment)
    return problem_of(
        part,
        "the comment above ends in '\\', and systemd before 254 takes this line for a "
        "part of it; remove that '\\'");
  if (kind == unit_file && part.value.find('%') != none)
    return problem_of(part, "a specifier ('%') stands in the value; write what it stands for");
  if (part.value.find('#') != none)
    return problem_of(part,
                      "'#' begins no comment here, Kong takes it as a part of the value; "
                      "remove it");
  const auto reason = why_unsafe(part.value);
  if (!reason.empty()) return problem_of(part, reason);
  return std::nullopt;
}

std::optional<ConfProblem> rewrite(Part& part, Rewritten result) {
  if (auto* problem = std::get_if<ConfProblem>(&result)) {
    problem->line = part.line();
    return std::move(*problem);
  }
  part.rewritten = std::get<std::string>(std::move(result));
  return std::nullopt;
}

/// UnsetEnvironment= of the same file; one in another file is found where all of them are read.
std::optional<ConfProblem> check_unset(std::string_view text) {
  for (const auto& setting : parse_unit_file(text)) {
    if (!is_service_setting(setting, "UnsetEnvironment")) continue;
    for (const auto& word : words_of(setting.value)) {
      const auto name = word.text.substr(0, word.text.find('='));
      if (name == path_variable || name == plugins_variable)
        return ConfProblem{setting.line,
                           "UnsetEnvironment= takes " + name + " away from Kong; remove it there"};
    }
  }
  return std::nullopt;
}

/// A line as it may be shown: of a unit's other variables on it, which may be passwords, the names.
std::string shown(const std::string& line, ConfigurationKind kind) {
  if (kind == ConfigurationKind::EnvironmentFile) return line;
  const auto begin = line.find('=') + 1;
  std::string text = line.substr(0, begin);
  bool has_others = false;
  for (const auto& word : words_of(line.substr(begin))) {
    const auto name = word.text.substr(0, word.text.find('=') + 1);  // empty where there is no '='
    const bool ours =
        name == std::string(path_variable) + "=" || name == std::string(plugins_variable) + "=";
    if (!ours) has_others = true;
    text += (text.size() == begin ? "" : " ") + (ours ? word.text : name + "…");
  }
  return has_others ? text : line;
}

/// Puts the value in its place, and remembers what its line was.
void replace(Edited& edited, const Part& part, ConfigurationKind kind) {
  if (part.assignment == nullptr || part.rewritten == part.value) return;
  const auto& place = *part.assignment->place;
  auto& text = edited.text;
  auto before = shown(line_at(text, place.begin), kind);
  text.replace(place.begin, place.end - place.begin, part.rewritten);
  const auto after = shown(line_at(text, place.begin), kind);
  auto same = std::find_if(edited.lines.begin(), edited.lines.end(),
                           [&](const LineDiff& diff) { return diff.line == part.line(); });
  if (same != edited.lines.end())
    same->after = after;  // both stand on one line
  else
    edited.lines.push_back({part.line(), std::move(before), after});
}

/// Gives `part` a line of its own below the one of `other`, which is the file's only one of ours.
void insert(Edited& edited, const Part& part, const Part& other, ConfigurationKind kind) {
  auto& text = edited.text;
  const auto line = assignment_line(kind, part.name, part.rewritten);
  const auto place = other.assignment->place->begin;
  const auto end = std::min(text.find('\n', place), text.size());
  const bool crlf = text[end - 1] == '\r';
  const std::string line_end = crlf ? "\r\n" : "\n";
  if (end == text.size())
    text += line_end + line + line_end;
  else
    text.insert(end + 1, line + line_end);
  edited.lines.push_back({other.line() + 1, std::nullopt, line});
}

Edited apply(std::string_view text, const Part& path, const Part& plugins, ConfigurationKind kind) {
  Edited edited{
      .text = std::string(text), .lua_package_path = path.rewritten, .plugins = plugins.rewritten};
  const bool both = path.assignment != nullptr && plugins.assignment != nullptr;
  // The one further down first: the other one's place must not move.
  const bool path_first = both && path.assignment->place->begin < plugins.assignment->place->begin;
  for (const auto* part : {path_first ? &plugins : &path, path_first ? &path : &plugins})
    replace(edited, *part, kind);
  if (path.assignment == nullptr) insert(edited, path, plugins, kind);
  if (plugins.assignment == nullptr) insert(edited, plugins, path, kind);
  std::sort(edited.lines.begin(), edited.lines.end(),
            [](const LineDiff& a, const LineDiff& b) { return a.line < b.line; });
  return edited;
}

/// Everything a file says but for our two variables, in one order for both ways to say it.
std::vector<std::string> rest_of(std::string_view text, ConfigurationKind kind) {
  std::vector<std::string> rest;
  const auto keep = [&](const std::string& name, const std::string& said) {
    if (name != path_variable && name != plugins_variable) rest.push_back(said);
  };
  if (kind != unit_file) {
    for (const auto& entry : parse_environment_file(text))
      keep(entry.name, entry.name + "=" + entry.value);
    return rest;
  }
  for (const auto& setting : parse_unit_file(text)) {
    const auto head = "[" + setting.section + "] " + setting.key + "=";
    if (!is_service_setting(setting, "Environment") || setting.value.empty()) {
      rest.push_back(head + setting.value);
      continue;
    }
    for (const auto& word : words_of(setting.value))
      keep(word.text.substr(0, word.text.find('=')), head + word.text);
  }
  return rest;
}

}  // namespace

KeyValues environment_values(std::string_view text, ConfigurationKind kind) {
  KeyValues values;
  for (const auto& assignment : assignments_of(text, kind)) {
    if (assignment.name == path_variable) values.lua_package_path = assignment.value;
    if (assignment.name != plugins_variable) continue;
    values.plugins = assignment.value;
    values.plugins_line = assignment.line;
  }
  return values;
}

std::variant<Edited, ConfProblem> checked(std::string_view before, Edited edited,
                                          ConfigurationKind kind) {
  const auto values = environment_values(edited.text, kind);
  const bool ours =
      values.lua_package_path == edited.lua_package_path && values.plugins == edited.plugins;
  const auto assignments = assignments_of(edited.text, kind);
  const auto mentions =
      std::count_if(assignments.begin(), assignments.end(), [](const EnvironmentAssignment& entry) {
        return entry.name == path_variable || entry.name == plugins_variable;
      });
  if (ours && mentions == 2 && rest_of(before, kind) == rest_of(edited.text, kind)) return edited;
  return ConfProblem{0,
                     "internal: the edited file would not say what it should; it was not written"};
}

std::string assignment_line(ConfigurationKind kind, std::string_view name, std::string_view value) {
  const auto assignment = std::string(name) + "=";
  if (kind == unit_file) return "Environment=\"" + assignment + std::string(value) + "\"";
  const bool blank = value.find_first_of(" \t") != none;
  return assignment + (blank ? "\"" : "") + std::string(value) + (blank ? "\"" : "");
}

std::variant<Edited, ConfProblem> edit_environment(std::string_view text, const ManagedFile& file,
                                                   const Change& change) {
  if (auto problem = check_change(change)) return *std::move(problem);
  if (auto problem = check_bytes(text)) return *std::move(problem);
  const auto kind = file.kind;
  const auto assignments = assignments_of(text, kind);
  const auto& elsewhere = file.elsewhere;
  Part path{.name = path_variable};
  path.value = elsewhere.lua_package_path.value_or(std::string(default_lua_package_path));
  Part plugins{.name = plugins_variable};
  plugins.value = elsewhere.plugins.value_or(std::string(default_plugins));
  std::optional<ConfProblem> problem;
  for (auto* part : {&path, &plugins})
    if (!problem) problem = find(*part, assignments);
  if (!problem && path.assignment == nullptr && plugins.assignment == nullptr)
    problem = ConfProblem{0, "neither KONG_LUA_PACKAGE_PATH nor KONG_PLUGINS is set in this file"};
  if (!problem && kind == unit_file) problem = check_unset(text);
  for (const auto* part : {&path, &plugins})
    if (!problem) problem = check(*part, kind);
  if (!problem) problem = rewrite(path, path_with(path.value, change));
  if (!problem) problem = rewrite(plugins, plugins_with(plugins.value, change));
  if (problem) return *std::move(problem);
  return checked(text, apply(text, path, plugins, kind), kind);
}

}  // namespace kongfleet::agent
