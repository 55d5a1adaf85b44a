// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/environment_file.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

constexpr std::string_view blanks = " \t\n\r";
constexpr std::string_view line_ends = "\n\r";
// What '\' takes its meaning from within double quotes; before anything else it stays.
constexpr std::string_view escapable = "\"\\`$";

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

std::string_view without_trailing_blanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

}  // namespace

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

/// systemd's own state machine (parse_env_file_internal), state by state, that keeps the places.
class EnvironmentFileReader {
public:
  explicit EnvironmentFileReader(std::string_view text) : text_(text) {}

  std::vector<EnvironmentAssignment> read() {
    for (at_ = 0; at_ < text_.size(); ++at_) {
      step(text_[at_]);
      if (text_[at_] == '\n') ++line_;
    }
    if (state_ != State::BeforeName && state_ != State::Name && state_ != State::Comment &&
        state_ != State::CommentEscape)
      push();
    return std::move(found_);
  }

private:
  enum class State {
    BeforeName,
    Name,
    BeforeValue,
    Value,
    ValueEscape,
    SingleQuoted,
    DoubleQuoted,
    DoubleQuotedEscape,
    Comment,
    CommentEscape,
  };

  void step(char c) {
    switch (state_) {
      case State::BeforeName:
        return before_name(c);
      case State::Name:
        return name(c);
      case State::BeforeValue:
        return before_value(c);
      case State::Value:
        return value(c);
      case State::ValueEscape:
        if (!is_one_of(c, line_ends)) keep(c);
        state_ = State::Value;
        solid_ = value_.size();
        return;
      case State::SingleQuoted:
        if (c == '\'') return close_quote();
        return keep(c);
      case State::DoubleQuoted:
        if (c == '"') return close_quote();
        if (c == '\\') return enter(State::DoubleQuotedEscape);
        return keep(c);
      case State::DoubleQuotedEscape:
        if (c != '\n' && !is_one_of(c, escapable)) keep('\\');
        if (c != '\n') keep(c);
        return enter(State::DoubleQuoted);
      case State::Comment:
        if (c == '\\') return enter(State::CommentEscape);
        if (is_one_of(c, line_ends)) enter(State::BeforeName);
        return;
      default:  // CommentEscape
        doubtful_ = is_one_of(c, line_ends);
        return enter(doubtful_ ? State::BeforeName : State::Comment);
    }
  }

  void enter(State state) { state_ = state; }
  void keep(char c) { value_ += c; }

  void before_name(char c) {
    const bool comment = c == '#' || c == ';';
    const bool empty_line = c == '\n' && at_ > 0 && text_[at_ - 1] == '\n';
    if (comment || empty_line) doubtful_ = false;
    if (comment) return enter(State::Comment);
    if (is_one_of(c, blanks)) return;
    begin_ = at_;
    began_on_ = line_;
    value_.clear();
    solid_ = 0;
    raw_begin_.reset();
    enter(State::Name);
  }

  void name(char c) {
    if (is_one_of(c, line_ends)) {
      doubtful_ = false;
      return enter(State::BeforeName);
    }
    if (c != '=') return;
    equals_ = at_;
    enter(State::BeforeValue);
  }

  void before_value(char c) {
    if (is_one_of(c, line_ends)) return push();
    if (is_one_of(c, blanks)) return;
    if (!raw_begin_) raw_begin_ = at_;
    if (c == '\'') return enter(State::SingleQuoted);
    if (c == '"') return enter(State::DoubleQuoted);
    if (c == '\\') return enter(State::ValueEscape);
    keep(c);
    solid_ = value_.size();
    enter(State::Value);
  }

  void value(char c) {
    if (is_one_of(c, line_ends)) return push();
    if (c == '\\') return enter(State::ValueEscape);
    keep(c);
    if (!is_one_of(c, blanks)) solid_ = value_.size();
  }

  // What stood between quotes keeps its blanks.
  void close_quote() {
    solid_ = value_.size();
    enter(State::BeforeValue);
  }

  void push() {
    if (state_ == State::Value) value_.resize(solid_);
    const auto name = without_trailing_blanks(text_.substr(begin_, equals_ - begin_));
    if (is_variable_name(name)) {
      EnvironmentAssignment found{.name = std::string(name), .value = value_, .line = began_on_};
      found.line_end = std::min(text_.find('\n', at_), text_.size());
      found.place = place();
      found.after_comment = doubtful_;
      found_.push_back(std::move(found));
    }
    doubtful_ = false;
    enter(State::BeforeName);
  }

  std::optional<ValuePlace> place() const {
    const auto begin = raw_begin_.value_or(equals_ + 1);
    const auto raw = without_trailing_blanks(text_.substr(begin, at_ - begin));
    if (raw == value_) return ValuePlace{begin, begin + raw.size(), 0};
    if (raw.size() < 2 || raw.substr(1, raw.size() - 2) != value_) return std::nullopt;
    if (raw.front() != raw.back() || !is_one_of(raw.front(), "'\"")) return std::nullopt;
    return ValuePlace{begin + 1, begin + raw.size() - 1, raw.front()};
  }

  std::string_view text_;
  std::vector<EnvironmentAssignment> found_;
  State state_ = State::BeforeName;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  std::size_t begin_ = 0;  // of the name
  unsigned began_on_ = 1;
  std::size_t equals_ = 0;
  std::optional<std::size_t> raw_begin_;  // of the value as it stands in the file
  std::string value_;
  std::size_t solid_ = 0;  // how much of value_ has something solid behind it
  bool doubtful_ = false;
};

std::vector<EnvironmentAssignment> parse_environment_file(std::string_view text) {
  return EnvironmentFileReader(text).read();
}

std::string environment_file_line(std::string_view name, std::string_view value) {
  std::string line = std::string(name) + "=\"";
  for (const char c : value) {
    if (is_one_of(c, escapable)) line += '\\';
    line += c;
  }
  return line + "\"\n";
}

}  // namespace kongfleet::agent
