// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_conf.hpp"

#include "agent/lua_number.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace kongfleet::agent {
namespace {

constexpr std::string_view blanks = " \t\n\v\f\r";
constexpr auto none = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view without_leading_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(blanks), text.size()));
}

std::string_view without_trailing_blanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != none; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string key_of(std::string_view name) {
  std::string key(name);
  for (char& c : key) {
    if (!is_alphanumeric(c)) c = '_';
  }
  return key;
}

/// The key of a line that reads as a setting: what stands before its first '='.
std::optional<std::string> key_of_line(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == none) return std::nullopt;
  return key_of(without_blanks(line.substr(0, equals)));
}

/// How much of a trimmed value stands before its comment.
std::size_t length_without_comment(std::string_view value, ConfDialect dialect) {
  const std::size_t eaten = dialect == ConfDialect::Before32 ? 1 : 0;
  for (std::size_t i = eaten; i < value.size(); ++i) {
    if (value[i] == '#' && (i == 0 || value[i - 1] != '\\')) return i - eaten;
  }
  return value.size();
}

std::string_view without_comment(std::string_view value, ConfDialect dialect) {
  return without_trailing_blanks(value.substr(0, length_without_comment(value, dialect)));
}

/// pl.config turns what begins like a number into one where it can, "12 kB" as well; a value that
/// is no number even without its " kB" loses them all the same.
bool convert_number(std::string& value) {
  if (value.empty() || !(is_digit(value[0]) || value[0] == '+' || value[0] == '-')) return false;
  auto number = lua_number(value);
  if (!number && value.ends_with(" kB")) {
    replace_all(value, " kB", "");
    number = lua_number(value);
  }
  if (!number) return false;
  value = *std::move(number);
  return true;
}

/// The name in a line that begins with '[', as Lua's match '%[([^%]]+)%]' finds it.
std::optional<std::string_view> section_name(std::string_view line) {
  for (auto open = line.find('['); open != none; open = line.find('[', open + 1)) {
    const auto close = line.find(']', open);
    if (close == none) return std::nullopt;
    if (close > open + 1) return line.substr(open + 1, close - open - 1);
  }
  return std::nullopt;
}

}  // namespace

std::string_view without_blanks(std::string_view text) {
  return without_trailing_blanks(without_leading_blanks(text));
}

/// Reads one file: physical lines are joined to logical ones, and these become settings.
class KongConfReader {
public:
  KongConfReader(std::string_view text, ConfDialect dialect) : text_(text), dialect_(dialect) {}

  std::optional<ConfProblem> read() {
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < text_.size();) {
      const auto end = std::min(text_.find('\n', begin), text_.size());
      if (auto problem = physical_line(text_.substr(begin, end - begin), ++number)) return problem;
      begin = end + 1;
    }
    if (!joined_.empty()) {
      conf_.unfinished_ = last_joined_;
      if (auto key = key_of_line(first_piece_)) {
        conf_.swallowed_.push_back({*std::move(key), first_joined_, last_joined_});
      }
    }
    return std::nullopt;
  }

  KongConf take() { return std::move(conf_); }

private:
  std::optional<ConfProblem> physical_line(std::string_view line, std::size_t number) {
    // Comments are skipped before anybody looks for a trailing '\': one in between joins, or ends,
    // nothing.
    const auto content = without_blanks(line);
    if (content.empty() || content[0] == ';' || content[0] == '#') return std::nullopt;
    const bool continues = content.back() == '\\';
    if (!continues && joined_.empty()) return logical_line(line, number, number);

    if (joined_.empty()) {
      first_joined_ = number;
      first_piece_ = line;
    } else if (auto key = key_of_line(line)) {
      conf_.swallowed_.push_back({*std::move(key), number, last_joined_});
    }
    last_joined_ = number;
    if (continues) {
      joined_ += line.substr(0, line.rfind('\\'));
      return std::nullopt;
    }
    const std::string whole = std::exchange(joined_, {}) + std::string(line);
    return logical_line(whole, first_joined_, number);
  }

  std::optional<ConfProblem> logical_line(std::string_view line, std::size_t first,
                                          std::size_t last) {
    if (line[0] == '[') return section(line, first, last);
    const auto equals = line.find('=');
    if (equals == none || conf_.section_) return std::nullopt;
    const auto said = without_leading_blanks(line.substr(equals + 1));

    ConfSetting setting{.key = *key_of_line(line), .line = first, .last_line = last};
    setting.kind = kind_and_value(said, setting.value);
    if (first == last) locate(line, equals, setting);
    conf_.settings_.push_back(std::move(setting));
    return std::nullopt;
  }

  std::optional<ConfProblem> section(std::string_view line, std::size_t first, std::size_t last) {
    const auto name = section_name(line);
    if (!name) {
      return ConfProblem{
          first,
          "a line that begins with '[' but names no section stops Kong's loader with "
          "an error; remove it"};
    }
    if (!conf_.section_) conf_.section_ = first;
    conf_.settings_.push_back(
        {.key = key_of(*name), .kind = ConfKind::Table, .line = first, .last_line = last});
    return std::nullopt;
  }

  ConfKind kind_and_value(std::string_view said, std::string& value) const {
    if (said.find("_blank_") != none) return ConfKind::Table;
    value = said;
    if (convert_number(value)) return ConfKind::Number;
    value = without_comment(without_blanks(value), dialect_);
    replace_all(value, "\\#", "#");
    return ConfKind::Text;
  }

  /// Where in the file the value stands. An empty one belongs before its comment, else one blank
  /// after '='.
  void locate(std::string_view line, std::size_t equals, ConfSetting& setting) const {
    const auto at = [this](std::string_view part) {
      return static_cast<std::size_t>(part.data() - text_.data());
    };
    const auto after_equals = line.substr(equals + 1);
    const auto said = without_blanks(after_equals);
    const auto core = without_comment(said, dialect_);
    const bool blank_follows = after_equals.starts_with(' ') || after_equals.starts_with('\t');
    setting.written = said.empty() ? at(after_equals) + (blank_follows ? 1 : 0) : at(said);
    setting.written_end = setting.written + core.size();
    setting.line_end = at(line) + line.size();
  }

  std::string_view text_;
  ConfDialect dialect_;
  KongConf conf_;
  std::string joined_;  // what lines with a trailing '\' have left so far
  std::string_view first_piece_;
  std::size_t first_joined_ = 0;
  std::size_t last_joined_ = 0;
};

std::variant<KongConf, ConfProblem> KongConf::parse(std::string_view text, ConfDialect dialect) {
  if (text.size() > bytes_max) {
    return ConfProblem{0, "the file has " + std::to_string(text.size()) + " bytes; up to " +
                              std::to_string(bytes_max) + " are read"};
  }
  KongConfReader reader(text, dialect);
  if (auto problem = reader.read()) return *std::move(problem);
  return reader.take();
}

const ConfSetting* KongConf::find(std::string_view key) const {
  const auto last = std::find_if(settings_.rbegin(), settings_.rend(),
                                 [key](const ConfSetting& setting) { return setting.key == key; });
  return last == settings_.rend() ? nullptr : &*last;
}

std::optional<std::string> KongConf::value(std::string_view key) const {
  const auto* setting = find(key);
  return setting ? std::optional(setting->value) : std::nullopt;
}

std::vector<std::string> split_list(std::string_view value) {
  if (without_blanks(value).empty()) return {};
  if (without_blanks(value) == ",") return {""};
  std::vector<std::string> items;
  for (std::size_t begin = 0; begin <= value.size();) {
    const auto end = std::min(value.find(',', begin), value.size());
    items.emplace_back(without_blanks(value.substr(begin, end - begin)));
    begin = end + 1;
  }
  return items;
}

ConfDialect dialect_of(std::string_view kong_version) {
  const auto* const end = kong_version.data() + kong_version.size();
  const auto* at = std::find_if(kong_version.data(), end, is_digit);
  int major = 0;
  int minor = 0;
  at = std::from_chars(at, end, major).ptr;
  if (at == end || *at != '.') return ConfDialect::From32;
  if (std::from_chars(at + 1, end, minor).ec != std::errc()) return ConfDialect::From32;
  return std::pair(major, minor) < std::pair(3, 2) ? ConfDialect::Before32 : ConfDialect::From32;
}

}  // namespace kongfleet::agent
