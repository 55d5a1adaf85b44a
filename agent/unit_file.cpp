// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/unit_file.hpp"

#include <algorithm>
#include <charconv>

namespace kongfleet::agent {
namespace {

constexpr auto none = std::string_view::npos;
constexpr std::string_view blanks = " \t\n\r";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == none) return text.substr(text.size());
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool ends_in_escape(std::string_view line) {
  const auto solid = line.find_last_not_of('\\');
  return (line.size() - (solid == none ? 0 : solid + 1)) % 2 == 1;
}

}  // namespace

/// Takes a unit file apart as systemd's config_parse does: comments go before lines are joined.
class UnitFileReader {
public:
  explicit UnitFileReader(std::string_view text) : text_(text) {}

  std::vector<UnitSetting> read() {
    unsigned number = 0;
    std::size_t begin = text_.starts_with("\xEF\xBB\xBF") ? 3 : 0;
    while (begin < text_.size()) {
      const auto end = std::min(text_.find_first_of("\n\r", begin), text_.size());
      physical_line(text_.substr(begin, end - begin), ++number);
      begin = end + (text_.substr(end).starts_with("\r\n") ? 2 : 1);
    }
    if (!joined_.empty()) logical_line(joined_, first_, last_);
    return std::move(found_);
  }

private:
  void physical_line(std::string_view line, unsigned number) {
    const auto content = trimmed(line);
    if (!content.empty() && (content[0] == '#' || content[0] == ';')) return;
    const bool goes_on = ends_in_escape(line);
    if (joined_.empty() && !goes_on) return logical_line(line, number, number);
    if (joined_.empty()) first_ = number;
    last_ = number;
    joined_ += line;
    if (goes_on) {
      joined_.back() = ' ';
      return;
    }
    logical_line(joined_, first_, number);
    joined_.clear();
  }

  void logical_line(std::string_view line, unsigned first, unsigned last) {
    const auto content = trimmed(line);
    if (content.empty()) return;
    if (content.front() == '[') {
      section_ = content.back() == ']' ? content.substr(1, content.size() - 2) : "";
      return;
    }
    const auto equals = content.find('=');
    if (equals == none || section_.empty()) return;
    UnitSetting setting{.section = section_,
                        .key = std::string(trimmed(content.substr(0, equals)))};
    const auto value = trimmed(content.substr(equals + 1));
    setting.value = value;
    setting.line = first;
    setting.last_line = last;
    if (first == last && joined_.empty()) {
      setting.begin = static_cast<std::size_t>(value.data() - text_.data());
      setting.line_end = std::min(text_.find('\n', setting.begin), text_.size());
    }
    found_.push_back(std::move(setting));
  }

  std::string_view text_;
  std::vector<UnitSetting> found_;
  std::string section_;
  std::string joined_;  // what lines that end in '\' have left so far
  unsigned first_ = 0;
  unsigned last_ = 0;
};

std::vector<UnitSetting> parse_unit_file(std::string_view text) {
  return UnitFileReader(text).read();
}

namespace {

/// What stands behind a '\': one character for a letter, a byte for digits. Takes what it used off
/// `rest`; false for an escape that systemd does not know.
bool unescape(std::string_view& rest, std::string& word) {
  constexpr std::string_view letters = "abfnrtvs\\\"'";
  constexpr std::string_view meanings = "\a\b\f\n\r\t\v \\\"'";
  if (const auto at = letters.find(rest[0]); at != none) {
    word += meanings[at];
    rest.remove_prefix(1);
    return true;
  }
  const bool hexadecimal = rest[0] == 'x';
  const auto digits = hexadecimal ? rest.substr(1, 2) : rest.substr(0, 3);
  unsigned value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value, hexadecimal ? 16 : 8);
  const bool whole = digits.size() == (hexadecimal ? 2U : 3U) && stopped == end;
  if (error != std::errc() || !whole || value == 0 || value > 0xFF) return false;
  word += static_cast<char>(value);
  rest.remove_prefix(digits.size() + (hexadecimal ? 1 : 0));
  return true;
}

/// One word from the front of `rest`, which begins with it; nothing for a mistake in it.
std::optional<std::string> first_word(std::string_view& rest) {
  std::string word;
  char quote = 0;
  while (!rest.empty()) {
    const char c = rest[0];
    if (quote == 0 && blanks.find(c) != none) return word;
    rest.remove_prefix(1);
    if (c == '\\') {
      if (rest.empty() || !unescape(rest, word)) return std::nullopt;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else {
      word += c;
    }
  }
  if (quote != 0) return std::nullopt;
  return word;
}

/// Where the value of an assignment stands in its word as written, if it stands there literally.
std::optional<ValuePlace> place_in(std::string_view raw, const std::string& name,
                                   const std::string& value) {
  const auto head = name + "=";
  const auto begin = head.size();
  if (raw == head + value) return ValuePlace{begin, raw.size(), 0};
  for (const char quote : {'"', '\''}) {
    const ValuePlace inner{begin + 1, raw.size() - 1, quote};
    if (raw == quote + head + value + quote || raw == head + quote + value + quote) return inner;
  }
  return std::nullopt;
}

}  // namespace

std::vector<UnitWord> words_of(std::string_view value) {
  std::vector<UnitWord> words;
  std::string_view rest = value;
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
    if (rest.empty()) return words;
    const auto begin = value.size() - rest.size();
    auto word = first_word(rest);
    if (!word) return words;
    words.push_back({std::move(*word), begin, value.size() - rest.size()});
  }
}

bool is_service_setting(const UnitSetting& setting, std::string_view key) {
  return setting.section == "Service" && setting.key == key;
}

std::vector<EnvironmentAssignment> unit_assignments(const std::vector<UnitSetting>& settings) {
  std::vector<EnvironmentAssignment> found;
  for (const auto& setting : settings) {
    if (!is_service_setting(setting, "Environment")) continue;
    if (setting.value.empty()) found.clear();
    for (const auto& word : words_of(setting.value)) {
      const auto equals = word.text.find('=');
      if (equals == none || !is_variable_name(std::string_view(word.text).substr(0, equals)))
        continue;
      EnvironmentAssignment assignment;
      assignment.name = word.text.substr(0, equals);
      assignment.value = word.text.substr(equals + 1);
      assignment.line = setting.line;
      if (setting.begin != 0) {
        const auto raw = std::string_view(setting.value).substr(word.begin, word.end - word.begin);
        assignment.line_end = setting.line_end;
        assignment.place = place_in(raw, assignment.name, assignment.value);
        if (assignment.place) {
          assignment.place->begin += setting.begin + word.begin;
          assignment.place->end += setting.begin + word.begin;
        }
      }
      found.push_back(std::move(assignment));
    }
  }
  return found;
}

}  // namespace kongfleet::agent
