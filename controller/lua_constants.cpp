// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/lua_constants.hpp"

#include "controller/lua_tokens.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <map>

namespace kongfleet::controller {

namespace {

constexpr std::size_t lua_table_depth_max = 16;
constexpr std::size_t lua_string_max = std::size_t{64} << 10;  // a description may be long
constexpr std::size_t lua_joined_total_max = std::size_t{8} << 20;

class ConstantReader {
public:
  ConstantReader(std::string_view source, const std::string& shown)
      : shown_(shown), tokens_(lua_tokens(source)) {}
  LuaConstant read();

private:
  bool at_end() const { return at_ == tokens_.size(); }
  bool is(std::string_view text, std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() && tokens_[at_ + ahead].kind != LuaTokenKind::String &&
           tokens_[at_ + ahead].text == text;
  }
  bool skip(std::string_view text) {
    const bool found = is(text);
    if (found) ++at_;
    return found;
  }
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_here() const;
  /// Of text that is there once more: a few names make much of it.
  void count(std::size_t bytes);
  void need(std::string_view text);
  std::string name();
  LuaConstant value();
  LuaConstant single();
  LuaConstant table();
  void member(LuaConstant& table);

  const std::string& shown_;
  std::vector<LuaToken> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t joined_ = 0;
  std::map<std::string, LuaConstant> names_;
};

void ConstantReader::fail(const std::string& what) const {
  const auto line = tokens_.empty() ? 1 : tokens_[std::min(at_, tokens_.size() - 1)].line;
  throw Error(shown_ + ":" + std::to_string(line) + ": " + what);
}

void ConstantReader::fail_here() const {
  fail((at_end() ? "it ends too early" : "found '" + printable(tokens_[at_].text, 60) + "'") +
       "; it is read and not run, so write NAME = VALUE with strings, numbers, tables of them, "
       "'..' between strings, and local names for strings");
}

void ConstantReader::count(std::size_t bytes) {
  joined_ += bytes;
  if (joined_ > lua_joined_total_max) fail("the string is too long");
}

void ConstantReader::need(std::string_view text) {
  if (!skip(text)) fail_here();
}

std::string ConstantReader::name() {
  if (at_end() || tokens_[at_].kind != LuaTokenKind::Name) fail_here();
  return tokens_[at_++].text;
}

LuaConstant ConstantReader::single() {
  if (at_end()) fail_here();
  const auto token = tokens_[at_];
  if (is("{")) return table();
  if (token.kind == LuaTokenKind::Name) {
    const auto known = names_.find(token.text);
    if (known != names_.end()) {
      ++at_;
      auto found = known->second;
      count(found.text.size());
      found.line = token.line;
      return found;
    }
    if (!is("true") && !is("false") && !is("nil")) fail_here();
  }
  if (token.kind == LuaTokenKind::Symbol && !is("-")) fail_here();
  if (skip("-") && (at_end() || tokens_[at_].kind != LuaTokenKind::Number)) fail_here();
  ++at_;
  if (token.kind != LuaTokenKind::String) return {.line = token.line, .text = token.text};
  return {.kind = LuaConstant::Kind::String, .line = token.line, .text = token.text};
}

LuaConstant ConstantReader::value() {
  auto whole = single();
  while (is("..")) {
    ++at_;
    const auto next = single();
    const bool texts = whole.kind != LuaConstant::Kind::Table &&
                       next.kind != LuaConstant::Kind::Table && !next.text.empty();
    if (!texts && next.kind != LuaConstant::Kind::String) fail_here();
    whole.kind = LuaConstant::Kind::String;
    count(whole.text.size() + next.text.size());
    whole.text += next.text;
    if (whole.text.size() > lua_string_max) fail("the string is too long");
  }
  return whole;
}

void ConstantReader::member(LuaConstant& table) {
  if (skip("[")) {
    const auto key = value();
    need("]");
    need("=");
    auto found = value();
    // [1] = … is a list as much as {…} is.
    if (key.kind == LuaConstant::Kind::String) {
      table.members.push_back({key.text, std::move(found)});
    } else {
      table.listed.push_back(std::move(found));
    }
    return;
  }
  if (!at_end() && tokens_[at_].kind == LuaTokenKind::Name && is("=", 1)) {
    auto key = name();
    need("=");
    table.members.push_back({std::move(key), value()});
    return;
  }
  table.listed.push_back(value());
}

LuaConstant ConstantReader::table() {
  LuaConstant whole{.kind = LuaConstant::Kind::Table, .line = tokens_[at_].line};
  if (++depth_ > lua_table_depth_max) fail("tables are nested too deeply");
  need("{");
  while (!is("}")) {
    member(whole);
    if (!skip(",") && !skip(";")) break;
  }
  need("}");
  --depth_;
  return whole;
}

LuaConstant ConstantReader::read() {
  LuaConstant globals{.kind = LuaConstant::Kind::Table, .line = 1};
  while (!at_end()) {
    if (skip(";")) continue;
    const bool local = skip("local");
    auto key = name();
    need("=");
    auto found = value();
    const bool is_table = found.kind == LuaConstant::Kind::Table;
    if (local && is_table) {
      --at_;
      fail("found a local table; write the table where it is used");
    }
    if (!is_table) names_[key] = found;
    if (!local) globals.members.push_back({std::move(key), std::move(found)});
  }
  return globals;
}

}  // namespace

const LuaConstant* LuaConstant::find(std::string_view name) const {
  const LuaConstant* found = nullptr;
  for (const auto& member : members) {
    if (member.name == name) found = &member.value;
  }
  return found;
}

LuaConstant read_lua_constants(std::string_view source, const std::string& shown) {
  return ConstantReader(source, shown).read();
}

}  // namespace kongfleet::controller
