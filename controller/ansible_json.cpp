// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ansible_json.hpp"

#include "proto/error.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

constexpr std::size_t levels_max = 64;
constexpr std::size_t values_max = 3'000'000;  // 100,000 hosts with many variables each

std::string text_of(json::string_view text) { return {text.data(), text.size()}; }
std::string in_quotes(const std::string& text) { return "'" + printable(text, 100) + "'"; }

std::string describe(const json::value& value) {
  switch (value.kind()) {
    case json::kind::object:
      return "an object";
    case json::kind::array:
      return "a list";
    case json::kind::string:
      return "the text \"" + printable(text_of(value.get_string()), 100) + "\"";
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return value.get_bool() ? "true" : "false";
    default:
      return "a number";
  }
}

[[noreturn]] void fail_at(std::string_view text, std::size_t offset, const std::string& name,
                          const std::string& what) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto begin = before.rfind('\n');
  const auto column = begin == std::string_view::npos ? before.size() + 1 : before.size() - begin;
  throw Error(name + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + what);
}

// Where there are too many values; npos: nowhere. A value in memory is many times as large as the
// two bytes that it may be in the text, and each but the first comes after one of these.
std::size_t too_many_values(std::string_view text) {
  std::size_t values = 0;
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || c == '[' || c == '{' || c == ':')) {
      if (++values > values_max) return at;
    }
  }
  return std::string_view::npos;
}

json::value parse(std::string_view text, const std::string& name) {
  const auto too_many = too_many_values(text);
  if (too_many != std::string_view::npos)
    fail_at(text, too_many, name, "found more than 3000000 values");
  json::parse_options options;
  options.max_depth = levels_max;
  json::stream_parser parser({}, options);
  boost::system::error_code error;
  const auto read = parser.write_some(text.data(), text.size(), error);
  const auto rest = text.find_first_not_of(" \t\r\n", read);
  if (!error && rest != std::string_view::npos) {
    fail_at(text, rest, name, "found more behind the end of the JSON");
  }
  if (!error) parser.finish(error);
  if (error) fail_at(text, read, name, "not JSON: " + error.message());
  return parser.release();
}

class JsonReader {
public:
  JsonReader(const std::string& name, AnsibleData& data) : name_(name), data_(data) {}
  void read(const json::object& root);

private:
  [[noreturn]] void fail(const std::string& place, const std::string& what) const {
    throw Error(name_ + ": " + place + ": " + what);
  }
  void group(const std::string& group, const json::value& value);
  void hosts(const std::string& group, const json::value& value);
  void children(const std::string& group, const json::value& value);
  void variables(const std::string& entity, const json::value& value, const std::string& place);
  void meta(const json::value* hostvars);

  const std::string& name_;
  AnsibleData& data_;
};

void JsonReader::variables(const std::string& entity, const json::value& value,
                           const std::string& place) {
  if (!value.is_object()) fail(place, "found " + describe(value) + "; variables are an object");
  for (const auto& [key, content] : value.get_object()) {
    const auto variable = text_of(key);
    InventoryValue set{.where = name_ + ": " + place + ": " + printable(variable, 100)};
    if (content.is_null()) {
      set.kind = InventoryValue::Kind::Null;
    } else if (content.is_string()) {
      set.text = text_of(content.get_string());
    } else if (content.is_int64()) {
      set.text = std::to_string(content.get_int64());
    } else {
      set.kind = InventoryValue::Kind::Opaque;
    }
    data_.set_variable(entity, variable, std::move(set));
  }
}

void JsonReader::hosts(const std::string& group, const json::value& value) {
  const auto place = "hosts of the group " + in_quotes(group);
  if (!value.is_array()) fail(place, "found " + describe(value) + "; it is a list of names");
  for (const auto& host : value.get_array()) {
    if (!host.is_string()) fail(place, "found " + describe(host) + "; a host's name is a text");
    data_.add_host(text_of(host.get_string()), group, std::nullopt, name_ + ": " + place);
  }
}

void JsonReader::children(const std::string& group, const json::value& value) {
  const auto place = "children of the group " + in_quotes(group);
  if (!value.is_array()) fail(place, "found " + describe(value) + "; it is a list of names");
  for (const auto& child : value.get_array()) {
    if (!child.is_string()) fail(place, "found " + describe(child) + "; a group's name is a text");
    const auto name = text_of(child.get_string());
    data_.add_group(name, name_ + ": " + place);
    data_.add_child(group, name, name_ + ": " + place);
  }
}

void JsonReader::group(const std::string& group, const json::value& value) {
  data_.add_group(group, name_);
  if (!value.is_object()) return hosts(group, value);
  const auto& object = value.get_object();
  const auto place = "vars of the group " + in_quotes(group);
  if (!object.contains("hosts") && !object.contains("vars") && !object.contains("children")) {
    data_.add_host(group, group, std::nullopt, name_);  // so old that it is rare: a host and its
    return variables(group, value, place);              // variables under its own name
  }
  if (const auto* part = object.if_contains("hosts")) hosts(group, *part);
  if (const auto* part = object.if_contains("vars")) variables(group, *part, place);
  if (const auto* part = object.if_contains("children")) children(group, *part);
}

void JsonReader::meta(const json::value* hostvars) {
  if (hostvars == nullptr) {
    data_.note(name_ +
               ": there is no \"hostvars\" in \"_meta\", so hosts have no variables of their own");
    return;
  }
  if (!hostvars->is_object()) {
    fail("hostvars", "found " + describe(*hostvars) + "; it is an object with a key for each host");
  }
  for (const auto& host : data_.host_names()) {
    const auto* found = hostvars->get_object().if_contains(host);
    if (found != nullptr) variables(host, *found, "hostvars of " + in_quotes(host));
  }
}

void JsonReader::read(const json::object& root) {
  const json::value* hostvars = nullptr;
  for (const auto& [key, value] : root) {
    if (key == "_meta") {
      if (!value.is_object()) fail("_meta", "found " + describe(value) + "; it is an object");
      hostvars = value.get_object().if_contains("hostvars");
    } else {
      group(text_of(key), value);
    }
  }
  meta(hostvars);
}

}  // namespace

void read_ansible_json(std::string_view text, const std::string& name, AnsibleData& data) {
  const auto root = parse(text, name);
  if (!root.is_object())
    throw Error(name + ": found " + describe(root) + "; it is an object with a key for each group");
  JsonReader(name, data).read(root.get_object());
}

}  // namespace kongfleet::controller
