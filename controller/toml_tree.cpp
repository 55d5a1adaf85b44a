// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/toml_tree.hpp"

#include "proto/error.hpp"
#include "proto/names.hpp"
#include "proto/toml.hpp"
#include "proto/toml_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace kongfleet::controller {

namespace {

TomlPosition position(const toml::source_position& at) {
  return {std::max(at.line, 1U), std::max(at.column, 1U)};
}

bool before(TomlPosition a, TomlPosition b) {
  return a.line != b.line ? a.line < b.line : a.column < b.column;
}

TomlValue convert(const toml::node& node);

TomlTable convert_table(const toml::table& table) {
  TomlTable out;
  for (const auto& [key, node] : table) {
    auto at = position(key.source().begin);
    out.push_back({std::string(key.str()), at, convert(node)});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const TomlEntry& a, const TomlEntry& b) { return before(a.at, b.at); });
  return out;
}

TomlValue convert(const toml::node& node) {
  TomlValue value{position(node.source().begin), false};
  if (const auto* table = node.as_table()) {
    value.data = convert_table(*table);
  } else if (const auto* array = node.as_array()) {
    TomlArray out;
    for (const auto& element : *array) out.push_back(convert(element));
    value.data = std::move(out);
  } else if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.data = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.data = number->get();
  } else if (const auto* truth = node.as_boolean()) {
    value.data = truth->get();
  } else {
    value.data = TomlDate{};
  }
  return value;
}

struct Hint {
  std::string_view in_description;
  std::string_view advice;
};

// What people mostly meant where the library only says what it expected.
constexpr std::array<Hint, 9> hints = {{
    {"control characters", "; text ends on its line: is a closing quote missing?"},
    {"in a string: encountered end-of-file", "; is a closing quote missing?"},
    {"unknown escape", "; write a backslash twice, or the text in single quotes"},
    {"expected '='", "; a setting is written key = value"},
    {"in a boolean", "; true and false are written in small letters, text in quotes"},
    {"could not determine value type", "; text is written in quotes"},
    {"integer: expected digit", "; anything but a plain number is written in quotes"},
    {"cannot redefine", "; write it once"},
    {"key-value pair: encountered end-of-file", "; a value is missing"},
}};

// The library says "Error while parsing X: what, and what instead".
std::string plain(std::string_view description) {
  constexpr std::string_view prefix = "Error while parsing ";
  std::string text(description);
  if (description.starts_with(prefix)) {
    description.remove_prefix(prefix.size());
    const bool vowel = description.starts_with("array") || description.starts_with("inline");
    text = (vowel ? "in an " : "in a ") + std::string(description);
  }
  for (const auto& hint : hints) {
    if (text.find(hint.in_description) == std::string::npos) continue;
    text += hint.advice;
    break;
  }
  return "not TOML: " + printable(text, 300);
}

// The byte that a position means; npos when there is none.
std::size_t byte_at(std::string_view text, TomlPosition at) {
  std::size_t offset = 0;
  for (std::uint32_t line = 1; line < at.line; ++line) {
    offset = text.find('\n', offset);
    if (offset == std::string_view::npos) return offset;
    ++offset;
  }
  for (std::uint32_t column = 1; column < at.column; ++column) {
    if (offset >= text.size() || text[offset] == '\n') return std::string_view::npos;
    do ++offset;
    while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U);
  }
  return offset;
}

}  // namespace

TomlDocument::TomlDocument(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  if (const auto deep = nested_too_deep(text_)) {
    fail({static_cast<unsigned>(deep->line), static_cast<unsigned>(deep->column)},
         "found too many tables within each other");
  }
  if (const auto stray = stray_character(text_)) {
    fail({.line = static_cast<std::uint32_t>(stray->line),
          .column = static_cast<std::uint32_t>(stray->column)},
         "found a character beyond ASCII, expected quotes around it");
  }
  try {
    root_ = convert_table(toml::parse(text_));
  } catch (const toml::parse_error& error) {
    fail(position(error.source().begin), plain(error.description()));
  } catch (const TomlBroken& error) {
    fail({}, error.what());
  }
}

std::string TomlDocument::where(TomlPosition at) const {
  return name_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

void TomlDocument::fail(TomlPosition at, const std::string& what) const {
  throw Error(where(at) + ": " + what);
}

TomlPosition TomlDocument::inside(const TomlValue& value, std::size_t offset) const {
  const auto* content = std::get_if<std::string>(&value.data);
  const auto start = byte_at(text_, value.at);
  if (content == nullptr || start == std::string::npos || start + 1 >= text_.size()) {
    return value.at;
  }
  const bool literally = text_.compare(start + 1, content->size(), *content) == 0;
  const auto end = start + 1 + content->size();
  if (!literally || end >= text_.size() || text_[end] != text_[start]) return value.at;
  auto at = value.at;
  ++at.column;  // the quote
  for (std::size_t i = 0; i < std::min(offset, content->size()); ++i) {
    if ((static_cast<unsigned char>((*content)[i]) & 0xC0U) != 0x80U) ++at.column;
  }
  return at;
}

}  // namespace kongfleet::controller
