// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/config_table.hpp"

#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

namespace kongfleet::agent {
namespace {

constexpr std::size_t shown_max = 100;

std::string in_quotes(std::string_view text) { return "\"" + printable(text, shown_max) + "\""; }

/// How many single-character edits lead from one word to the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string suggestion(std::string_view key, const std::vector<std::string_view>& keys) {
  const auto nearest = std::min_element(keys.begin(), keys.end(), [&](auto a, auto b) {
    return distance(key, a) < distance(key, b);
  });
  if (nearest != keys.end() && key.size() <= shown_max && distance(key, *nearest) <= 2)
    return "expected '" + std::string(*nearest) + "', did you mean that?";
  std::string all;
  for (const auto& name : keys) all += (all.empty() ? "'" : ", '") + std::string(name) + "'";
  return "expected one of " + all;
}

/// "64MiB" into number and unit.
struct Amount {
  std::uint64_t number = 0;
  std::string_view unit;  // empty: this is no amount
};

Amount amount_of(const toml::node& node) {
  Amount amount;
  if (!node.is_string()) return amount;
  const std::string_view text = node.as_string()->get();
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, amount.number);
  if (error != std::errc()) return amount;
  amount.unit = {rest, static_cast<std::size_t>(end - rest)};
  return amount;
}

}  // namespace

std::string described(const toml::node& node) {
  if (const auto* text = node.as_string()) return "the text " + in_quotes(text->get());
  if (const auto* number = node.as_integer()) return "the number " + std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (node.is_table()) return "a table";
  if (node.is_array()) return "a list";
  return node.is_floating_point() ? "a fraction" : "a date";
}

void ConfigTable::fail(const toml::node& at, const std::string& what) const {
  const auto where = at.source().begin;
  throw Error(path_ + ":" + std::to_string(std::max<std::uint32_t>(where.line, 1)) + ":" +
              std::to_string(std::max<std::uint32_t>(where.column, 1)) + ": " + what);
}

void ConfigTable::allow_only(const std::vector<std::string_view>& keys) const {
  const toml::node* first = nullptr;  // of the file: the library orders keys by name
  std::string_view name;
  const auto before = [](const toml::source_position& a, const toml::source_position& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  };
  for (const auto& [key, value] : table_) {
    if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
    if (first != nullptr && !before(value.source().begin, first->source().begin)) continue;
    first = &value;
    name = key.str();
  }
  if (first == nullptr) return;
  for (const auto& [key, value] : table_) {
    if (&value != first) continue;
    const auto where = key.source().begin;
    throw Error(path_ + ":" + std::to_string(where.line) + ":" + std::to_string(where.column) +
                ": found unknown key '" + printable(name, shown_max) + "' in " + name_ + ", " +
                suggestion(name, keys));
  }
}

const toml::table* ConfigTable::table(std::string_view key, std::string_view expected) const {
  const auto* node = find(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table())
    fail(*node, "found " + described(*node) + " for '" + std::string(key) + "', expected " +
                    std::string(expected));
  return node->as_table();
}

void ConfigTable::text(std::string_view key, std::string& value) const {
  const auto* node = find(key);
  if (node == nullptr) return;
  const auto* text = node->as_string();
  const bool good = text != nullptr && !text->get().empty() &&
                    std::none_of(text->get().begin(), text->get().end(),
                                 [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
  if (!good)
    fail(*node, "found " + described(*node) + " for '" + std::string(key) +
                    "', expected a text in quotes, one line, not empty");
  value = text->get();
}

void ConfigTable::absolute_path(std::string_view key, std::string& value) const {
  const auto* node = find(key);
  text(key, value);
  if (node != nullptr && value.front() != '/')
    fail(*node, "found " + described(*node) + " for '" + std::string(key) +
                    "', expected an absolute path, beginning with '/'");
}

void ConfigTable::number(std::string_view key, unsigned& value, unsigned lowest,
                         unsigned highest) const {
  const auto* node = find(key);
  if (node == nullptr) return;
  const auto* number = node->as_integer();
  if (number == nullptr || number->get() < lowest || number->get() > highest)
    fail(*node, "found " + described(*node) + " for '" + std::string(key) +
                    "', expected a number from " + std::to_string(lowest) + " to " +
                    std::to_string(highest));
  value = static_cast<unsigned>(number->get());
}

void ConfigTable::size(std::string_view key, std::uint64_t& value) const {
  const auto* node = find(key);
  if (node == nullptr) return;
  const Amount amount = amount_of(*node);
  constexpr std::array<std::pair<std::string_view, unsigned>, 5> units{
      {{"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}};
  for (const auto& [unit, shift] : units) {
    if (amount.unit != unit) continue;
    if (amount.number > (std::uint64_t{1} << 62) >> shift) break;
    value = amount.number << shift;
    return;
  }
  fail(*node, "found " + described(*node) + " for '" + std::string(key) +
                  "', expected a size such as \"64MiB\" (B, KiB, MiB, GiB, TiB)");
}

void ConfigTable::duration(std::string_view key, std::chrono::milliseconds& value) const {
  const auto* node = find(key);
  if (node == nullptr) return;
  const Amount amount = amount_of(*node);
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> units{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
  constexpr std::uint64_t longest = std::uint64_t{24} * 3'600'000;
  for (const auto& [unit, factor] : units) {
    if (amount.unit != unit) continue;
    if (amount.number == 0 || amount.number > longest / factor) break;
    value = std::chrono::milliseconds(amount.number * factor);
    return;
  }
  fail(*node,
       "found " + described(*node) + " for '" + std::string(key) +
           "', expected a duration such as \"500ms\" (ms, s, m, h), above 0 and at most 24h");
}

void ConfigTable::texts(std::string_view key, std::vector<std::string>& value) const {
  const auto* node = find(key);
  if (node == nullptr) return;
  const auto* array = node->as_array();
  const auto wrong = [&](const toml::node& at) {
    fail(at, "found " + described(at) + " for '" + std::string(key) +
                 "', expected a list of texts such as [\"/usr/bin/true\"]");
  };
  if (array == nullptr || array->empty()) wrong(*node);
  value.clear();
  for (const auto& entry : *array) {
    const auto* text = entry.as_string();
    if (text == nullptr || text->get().find('\0') != std::string::npos) wrong(entry);
    value.push_back(text->get());
  }
}

}  // namespace kongfleet::agent
