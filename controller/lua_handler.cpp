// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/lua_handler.hpp"

#include <algorithm>
#include <map>

namespace kongfleet::controller {

namespace {

constexpr std::size_t field_bytes_max = 1000;  // a version or a name; the same one may come often

/// Tokens by index, where reading past either end is harmless.
class View {
public:
  explicit View(const std::vector<LuaToken>& tokens) : tokens_(tokens) {}
  bool symbol(std::size_t i, std::string_view text) const {
    return i < tokens_.size() && tokens_[i].kind == LuaTokenKind::Symbol && tokens_[i].text == text;
  }
  bool kind(std::size_t i, LuaTokenKind kind) const {
    return i < tokens_.size() && tokens_[i].kind == kind;
  }
  bool name(std::size_t i, std::string_view text) const {
    return kind(i, LuaTokenKind::Name) && tokens_[i].text == text;
  }
  const LuaToken& operator[](std::size_t i) const { return tokens_[i]; }
  std::size_t size() const { return tokens_.size(); }

private:
  const std::vector<LuaToken>& tokens_;
};

// Whether what follows a value would change it: `"1." .. minor`, `meta.version`, `f()`.
bool goes_on(const View& view, std::size_t i) {
  for (const auto* text : {"..", ".", ":", "(", "[", "+", "-", "*", "/", "%", "^"}) {
    if (view.symbol(i, text)) return true;
  }
  return view.name(i, "or") || view.name(i, "and");
}

/// The tokens that `local NAME = "…"` gave names so far; null for a name that got something else.
using Locals = std::map<std::string_view, const LuaToken*>;

// The last one counts.
void note_local(const View& view, std::size_t i, Locals& locals) {
  const bool assigned =
      view.name(i, "local") && view.kind(i + 1, LuaTokenKind::Name) && view.symbol(i + 2, "=");
  if (!assigned) return;
  const bool plain = view.kind(i + 3, LuaTokenKind::String) && !goes_on(view, i + 4);
  locals[view[i + 1].text] = plain ? &view[i + 3] : nullptr;
}

std::optional<std::string> text_of(const LuaToken* token) {
  if (token == nullptr || token->text.size() > field_bytes_max) return std::nullopt;
  return token->text;
}

// The value that begins at token `i`, when it can be read off.
std::optional<std::string> value_at(const View& view, std::size_t i, const Locals& locals) {
  const bool negative = view.symbol(i, "-") && view.kind(i + 1, LuaTokenKind::Number);
  if (negative) ++i;
  if (i >= view.size() || goes_on(view, i + 1)) return std::nullopt;
  if (view.kind(i, LuaTokenKind::Name)) {
    const auto found = locals.find(view[i].text);
    return text_of(found == locals.end() ? nullptr : found->second);
  }
  if (view.kind(i, LuaTokenKind::Symbol)) return std::nullopt;
  auto text = text_of(&view[i]);
  if (text && negative) text->insert(0, 1, '-');
  return text;
}

}  // namespace

std::vector<LuaField> lua_fields(const std::vector<LuaToken>& tokens, std::string_view name) {
  const View view(tokens);
  std::vector<LuaField> fields;
  Locals locals;
  std::string open;  // brackets that are open here
  for (std::size_t i = 0; i < view.size(); ++i) {
    const auto& token = view[i];
    note_local(view, i, locals);
    if (token.kind == LuaTokenKind::Symbol && token.text.size() == 1) {
      const char c = token.text[0];
      if (c == '{' || c == '(' || c == '[') open += c;
      if ((c == '}' || c == ')' || c == ']') && !open.empty()) open.pop_back();
    }
    if (token.text != name) continue;
    const std::size_t before = i - 1;  // wraps to a harmless index for the first token
    const bool in_brackets = token.kind == LuaTokenKind::String && view.symbol(before, "[") &&
                             view.symbol(i + 1, "]") && view.symbol(i + 2, "=");
    if (in_brackets) fields.push_back({token.line, value_at(view, i + 3, locals), open.size()});
    if (token.kind != LuaTokenKind::Name) continue;
    const bool of_object = view.symbol(before, ".");
    const bool in_table =
        open.ends_with('{') &&
        (view.symbol(before, "{") || view.symbol(before, ",") || view.symbol(before, ";"));
    if ((of_object || in_table) && view.symbol(i + 1, "=")) {
      fields.push_back({token.line, value_at(view, i + 2, locals), open.size()});
    }
    const bool method = (of_object || view.symbol(before, ":")) && view.symbol(i + 1, "(") &&
                        i >= 3 && view.name(i - 3, "function");
    if (method) fields.push_back({token.line, std::nullopt, open.size()});
  }
  return fields;
}

std::vector<LuaRequire> lua_requires(const std::vector<LuaToken>& tokens) {
  const View view(tokens);
  std::vector<LuaRequire> found;
  for (std::size_t i = 0; i < view.size(); ++i) {
    if (!view.name(i, "require") || view.symbol(i - 1, ".") || view.symbol(i - 1, ":")) continue;
    const auto argument = view.symbol(i + 1, "(") ? i + 2 : i + 1;
    if (!view.kind(argument, LuaTokenKind::String) || view.symbol(argument + 1, "..")) continue;
    found.push_back({view[i].line, view[argument].text});
  }
  return found;
}

std::optional<std::size_t> lua_file_arguments(const std::vector<LuaToken>& tokens) {
  const View view(tokens);
  std::vector<bool> open;  // blocks that are open here: whether each is a function's
  std::size_t functions = 0;
  for (std::size_t i = 0; i < view.size(); ++i) {
    if (view.symbol(i, "...") && functions == 0) return view[i].line;
    if (view.kind(i, LuaTokenKind::Name)) {
      const auto& word = view[i].text;
      const bool function = word == "function";
      const bool block = word == "if" || word == "do" || word == "repeat";  // a loop's is its `do`
      if (function || block) {
        open.push_back(function);
        if (function) ++functions;
      }
      if ((word == "end" || word == "until") && !open.empty()) {
        if (open.back()) --functions;
        open.pop_back();
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> handler_version(std::string_view handler_lua) {
  if (handler_lua.size() > lua_source_max) return std::nullopt;
  const auto fields = lua_fields(lua_tokens(handler_lua), "VERSION");
  if (fields.empty()) return std::nullopt;
  const bool agree = std::all_of(fields.begin(), fields.end(), [&](const LuaField& field) {
    return field.text == fields.front().text;
  });
  return agree ? fields.front().text : std::nullopt;
}

}  // namespace kongfleet::controller
