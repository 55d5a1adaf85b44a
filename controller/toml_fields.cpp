// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/toml_fields.hpp"

#include "controller/durations.hpp"
#include "controller/suggestion.hpp"
#include "proto/names.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

constexpr std::int64_t amount_max = 100'000;  // more hosts than a fleet can have

[[noreturn]] void wrong(const TomlDocument& document, const TomlValue& value,
                        const std::string& key, const std::string& right) {
  document.fail(value.at, "found " + describe(value) + " for '" + key + "'; " + right);
}

}  // namespace

std::string describe(const TomlValue& value) {
  struct Describer {
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(std::int64_t number) const {
      return "the number " + std::to_string(number);
    }
    std::string operator()(double) const { return "a number with a fraction"; }
    std::string operator()(const std::string& text) const {
      return "the text \"" + printable(text, 100) + "\"";
    }
    std::string operator()(const TomlDate&) const { return "a date or time"; }
    std::string operator()(const TomlArray&) const { return "a list"; }
    std::string operator()(const TomlTable&) const { return "a table"; }
  };
  return std::visit(Describer{}, value.data);
}

TomlFields::TomlFields(const TomlDocument& document, const TomlValue& value, std::string what)
    : document_(document),
      what_(std::move(what)),
      at_(value.at),
      table_(std::get_if<TomlTable>(&value.data)) {
  if (table_ == nullptr) {
    document.fail(value.at, "found " + describe(value) + " for " + what_ +
                                "; it is a table: a line " + what_ + ", settings below it");
  }
}

void TomlFields::allow_only(const std::vector<std::string>& keys) const {
  for (const auto& entry : *table_) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
    document_.fail(entry.at,
                   "unknown key '" + printable(entry.key, 100) + "' in " + what_ + "; " +
                       did_you_mean(entry.key, keys, "its keys are " + quoted_list(keys)));
  }
}

const TomlValue* TomlFields::find(std::string_view key) const {
  for (const auto& entry : *table_) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

const TomlValue& TomlFields::need(const std::string& key, const std::string& example) const {
  const auto* value = find(key);
  if (value == nullptr) {
    document_.fail(at_, what_ + " has no '" + key + "'; write " + example);
  }
  return *value;
}

const std::string& read_text(const TomlDocument& document, const TomlValue& value,
                             const std::string& key) {
  const auto* text = std::get_if<std::string>(&value.data);
  if (text == nullptr) wrong(document, value, key, "it is a text, in quotes");
  if (text->empty()) wrong(document, value, key, "it must not be empty");
  for (std::size_t i = 0; i < text->size(); ++i) {
    const auto byte = static_cast<unsigned char>((*text)[i]);
    if (byte >= 0x20 && byte != 0x7F) continue;
    document.fail(document.inside(value, i),
                  "found a control character in '" + key +
                      "'; line breaks, tabs and the like are not allowed");
  }
  return *text;
}

std::int64_t read_integer(const TomlDocument& document, const TomlValue& value,
                          const std::string& key, IntegerRange range) {
  const auto* number = std::get_if<std::int64_t>(&value.data);
  const auto right = "it is a number from " + std::to_string(range.lowest) + " to " +
                     std::to_string(range.highest);
  if (number == nullptr) wrong(document, value, key, right + ", without quotes");
  if (*number < range.lowest || *number > range.highest) wrong(document, value, key, right);
  return *number;
}

std::chrono::milliseconds read_duration(const TomlDocument& document, const TomlValue& value,
                                        const std::string& key, DurationRange range) {
  const auto* text = std::get_if<std::string>(&value.data);
  const auto duration = text == nullptr ? std::nullopt : parse_duration(*text);
  if (!duration) {
    wrong(document, value, key,
          R"(a duration is a text of numbers with units: "500ms", "60s", "5m", "1h30m")");
  }
  if (*duration < range.shortest || *duration > range.longest) {
    wrong(document, value, key,
          "it lasts from " + text_of(range.shortest) + " to " + text_of(range.longest));
  }
  return *duration;
}

Amount read_amount(const TomlDocument& document, const TomlValue& value, const std::string& key) {
  if (const auto* number = std::get_if<std::int64_t>(&value.data)) {
    if (*number >= 1 && *number <= amount_max) {
      return {Amount::Kind::Count, static_cast<std::uint32_t>(*number)};
    }
  } else if (const auto* text = std::get_if<std::string>(&value.data)) {
    const auto share = parse_share(*text);
    if (share) return *share;
  }
  wrong(document, value, key,
        R"(it is a count of hosts from 1, without quotes, or a share from "1%" to "100%")");
}

std::vector<const TomlValue*> read_text_list(const TomlDocument& document, const TomlValue& value,
                                             const std::string& key, const std::string& example) {
  const auto* list = std::get_if<TomlArray>(&value.data);
  if (list == nullptr) wrong(document, value, key, "it is a list of texts: " + example);
  std::vector<const TomlValue*> texts;
  for (const auto& element : *list) {
    read_text(document, element, key);
    texts.push_back(&element);
  }
  return texts;
}

}  // namespace kongfleet::controller
