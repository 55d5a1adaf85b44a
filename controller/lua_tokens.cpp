// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/lua_tokens.hpp"

#include <algorithm>
#include <array>

namespace kongfleet::controller {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool name_char(char c) { return name_start(c) || digit(c); }

class Lexer {
public:
  explicit Lexer(std::string_view source) : source_(source) {
    if (source_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    if (peek() == '#') skip_line();
  }
  std::vector<LuaToken> run() {
    while (at_ < source_.size()) step();
    return std::move(tokens_);
  }

private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  void skip_line() { at_ = std::min(source_.find('\n', at_), source_.size()); }
  void add(LuaTokenKind kind, std::string text, std::size_t line) {
    tokens_.push_back({kind, std::move(text), line});
  }
  void step();
  void word();
  void number();
  void quoted();
  void symbol();
  /// The level of the long bracket that begins here ("[[" is 0, "[==[" is 2), or -1.
  int long_bracket() const;
  std::string long_text(int level);

  std::string_view source_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::vector<LuaToken> tokens_;
};

int Lexer::long_bracket() const {
  if (peek() != '[') return -1;
  std::size_t equals = 0;
  while (peek(1 + equals) == '=') ++equals;
  return peek(1 + equals) == '[' ? static_cast<int>(equals) : -1;
}

std::string Lexer::long_text(int level) {
  const auto start = at_ + 2 + static_cast<std::size_t>(level);
  const auto close = "]" + std::string(static_cast<std::size_t>(level), '=') + "]";
  const auto end = std::min(source_.find(close, start), source_.size());
  const auto text = source_.substr(start, end - start);
  line_ += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  at_ = std::min(end + close.size(), source_.size());
  return std::string(text);
}

void Lexer::word() {
  const auto start = at_;
  while (name_char(peek())) ++at_;
  add(LuaTokenKind::Name, std::string(source_.substr(start, at_ - start)), line_);
}

void Lexer::number() {
  const auto start = at_;
  while (
      name_char(peek()) || peek() == '.' ||
      ((peek() == '+' || peek() == '-') && (source_[at_ - 1] == 'e' || source_[at_ - 1] == 'E'))) {
    ++at_;
  }
  add(LuaTokenKind::Number, std::string(source_.substr(start, at_ - start)), line_);
}

void Lexer::quoted() {
  const char quote = source_[at_++];
  const auto line = line_;
  std::string text;
  while (at_ < source_.size() && source_[at_] != quote) {
    if (source_[at_] == '\n') ++line_;
    const bool punctuation =
        source_[at_] == '\\' && at_ + 1 < source_.size() && !name_char(source_[at_ + 1]);
    if (punctuation) {
      ++at_;
      if (source_[at_] == '\n') ++line_;
    }
    text += source_[at_++];
  }
  if (at_ < source_.size()) ++at_;
  add(LuaTokenKind::String, std::move(text), line);
}

void Lexer::symbol() {
  constexpr std::array<std::string_view, 7> longer = {"...", "==", "~=", "<=", ">=", "..", "::"};
  for (const auto candidate : longer) {
    if (source_.substr(at_, candidate.size()) != candidate) continue;
    add(LuaTokenKind::Symbol, std::string(candidate), line_);
    at_ += candidate.size();
    return;
  }
  add(LuaTokenKind::Symbol, std::string(1, source_[at_++]), line_);
}

void Lexer::step() {
  const char c = peek();
  if (c == '\n') {
    ++line_;
    ++at_;
  } else if (c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f') {
    ++at_;
  } else if (c == '-' && peek(1) == '-') {
    at_ += 2;
    const auto level = long_bracket();
    if (level >= 0) {
      long_text(level);
    } else {
      skip_line();
    }
  } else if (name_start(c)) {
    word();
  } else if (digit(c) || (c == '.' && digit(peek(1)))) {
    number();
  } else if (c == '"' || c == '\'') {
    quoted();
  } else if (const auto level = long_bracket(); level >= 0) {
    const auto line = line_;
    auto text = long_text(level);
    add(LuaTokenKind::String, std::move(text), line);
  } else {
    symbol();
  }
}

}  // namespace

std::vector<LuaToken> lua_tokens(std::string_view source) { return Lexer(source).run(); }

}  // namespace kongfleet::controller
