// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/durable_file.hpp"
#include "agent/kong_unit.hpp"
#include "proto/error.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

namespace files = std::filesystem;

struct Line {
  std::string text;
  unsigned number = 0;  // where it begins
};

/// Lines with those that end in '\' joined to the next, as both formats want it; comments and
/// blanks left out. `joint` is what takes the place of the '\': a blank in unit files, nothing in
/// environment files.
std::vector<Line> logical_lines(std::string_view text, std::string_view joint) {
  std::vector<Line> lines;
  bool open = false;
  for (unsigned number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto begin = line.find_first_not_of(" \t\r");
    const bool comment =
        begin != std::string_view::npos && (line[begin] == '#' || line[begin] == ';');
    if (comment) continue;  // also between joined lines
    const bool more = !line.empty() && line.back() == '\\';
    if (more) line.remove_suffix(1);
    if (open)
      lines.back().text.append(joint).append(line);
    else if (begin != std::string_view::npos)
      lines.push_back({std::string(line.substr(begin)), number});
    open = more && (open || begin != std::string_view::npos);
  }
  return lines;
}

/// Words with quotes and backslashes taken out, as systemd.syntax(7) has them.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\' && at + 1 < text.size()) {
      word += text[++at];
      inside = true;
    } else if (quote != 0 ? c == quote : (c == '"' || c == '\'')) {
      quote = quote == 0 ? c : '\0';
      inside = true;
    } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\r')) {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
    } else {
      word += c;
      inside = true;
    }
  }
  if (inside) words.push_back(std::move(word));
  return words;
}

std::string trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

void add(std::vector<UnitVariable>& variables, std::string_view assignment, const files::path& file,
         unsigned line) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) return;
  variables.push_back({std::string(assignment.substr(0, equals)),
                       std::string(assignment.substr(equals + 1)), file, line});
}

std::string content_of(const files::path& path) {
  std::string text;
  try {
    if (read_file_if_there(path, text)) return text;
  } catch (const Error&) {
    // Unreadable for us: systemd, which is root too, could not read it either.
  }
  return "";
}

/// "?", "*" in the last component; systemd's globs in other components are not seen here.
std::vector<files::path> matching(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
  const files::path path(pattern);
  const auto name = path.filename().string();
  const auto star = name.find('*');
  std::vector<files::path> found;
  std::error_code error;
  for (files::directory_iterator entry(path.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const auto text = entry->path().filename().string();
    const bool fits = star != std::string::npos && text.size() + 1 >= name.size() &&
                      text.starts_with(name.substr(0, star)) &&
                      text.ends_with(name.substr(star + 1));
    if (fits) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void read_environment_file(KongUnit& unit, const files::path& path) {
  std::error_code ignored;
  if (!files::exists(path, ignored)) return;
  unit.environment_files.push_back(path);
  for (const auto& line : logical_lines(content_of(path), "")) {
    const auto equals = line.text.find('=');
    if (equals == std::string::npos) continue;
    std::string value;
    for (const auto& word : words_of(std::string_view(line.text).substr(equals + 1)))
      value += (value.empty() ? "" : " ") + word;
    add(unit.variables, trimmed(line.text.substr(0, equals)) + "=" + value, path, line.number);
  }
}

}  // namespace

void read_environment(KongUnit& unit) {
  std::vector<std::string> environment_files;
  for (const auto& file : unit.files) {
    std::string section;
    for (const auto& line : logical_lines(content_of(file), " ")) {
      if (line.text.front() == '[') section = trimmed(line.text);
      const auto equals = line.text.find('=');
      if (section != "[Service]" || equals == std::string::npos) continue;
      const auto key = trimmed(line.text.substr(0, equals));
      const auto value = trimmed(line.text.substr(equals + 1));
      if (key == "Environment") {
        if (value.empty()) unit.variables.clear();  // an empty assignment forgets the earlier ones
        for (const auto& word : words_of(value)) add(unit.variables, word, file, line.number);
      } else if (key == "EnvironmentFile") {
        if (value.empty()) environment_files.clear();
        if (!value.empty()) environment_files.push_back(value.substr(value.front() == '-' ? 1 : 0));
      } else if (key == "UnsetEnvironment") {
        for (const auto& name : words_of(value))
          std::erase_if(unit.variables, [&](const auto& entry) { return entry.name == name; });
      }
    }
  }
  // Read when the service starts, after all Environment= of all files.
  for (const auto& pattern : environment_files)
    for (const auto& path : matching(pattern)) read_environment_file(unit, path);
}

}  // namespace kongfleet::agent
