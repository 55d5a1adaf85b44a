// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/yaml_tree.hpp"

#include "proto/error.hpp"
#include "proto/names.hpp"

#include <yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace kongfleet::controller {

namespace {

constexpr std::size_t directives_max = 100;   // an inventory has none
constexpr std::size_t levels_max = 64;        // an inventory has a dozen
constexpr std::size_t nodes_max = 1'000'000;  // 100,000 hosts with a few variables each

std::string text_of(const yaml_char_t* text) {
  // libyaml's characters are bytes of UTF-8.
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

/// One of libyaml's events; freed with it.
class Event {
public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&event_); }
  yaml_event_t* get() { return &event_; }
  const yaml_event_t* operator->() const { return &event_; }

private:
  yaml_event_t event_{};
};

class YamlReader {
public:
  YamlReader(std::string_view text, const std::string& name);
  ~YamlReader() { yaml_parser_delete(&parser_); }
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;
  YamlPointer read();

private:
  using Node = std::shared_ptr<YamlNode>;
  [[noreturn]] void fail(const yaml_mark_t& at, const std::string& what) const;
  void next(Event& event);
  void begin(const Node& node, const Event& event, const yaml_char_t* anchor);
  void end();
  void place(const YamlPointer& node, const yaml_mark_t& at);
  void take(const Event& event);
  void scalar(const Event& event);
  void alias(const Event& event);

  yaml_parser_t parser_{};
  const std::string& name_;
  YamlPointer root_;
  std::vector<Node> open_;         // lists and mappings that are not closed yet
  std::vector<YamlPointer> keys_;  // beside open_: a mapping's key without its value
  std::map<std::string, Node> anchors_;
  std::size_t nodes_ = 0;
};

// libyaml compares each directive (%TAG) with all before it. They begin a line; nothing else does
// so with that character in an inventory.
void check_directives(std::string_view text, const std::string& name) {
  std::size_t count = text.starts_with('%') ? 1 : 0;
  std::size_t line = 1;
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    ++line;
    if (text.substr(at + 1, 1) == "%" && ++count > directives_max)
      throw Error(name + ":" + std::to_string(line) + ":1: found more than 100 directives");
  }
}

YamlReader::YamlReader(std::string_view text, const std::string& name) : name_(name) {
  check_directives(text, name);
  if (yaml_parser_initialize(&parser_) == 0) throw Error("read '" + name + "': out of memory");
  yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
}

void YamlReader::fail(const yaml_mark_t& at, const std::string& what) const {
  throw Error(name_ + ":" + std::to_string(at.line + 1) + ":" + std::to_string(at.column + 1) +
              ": " + what);
}

void YamlReader::next(Event& event) {
  if (yaml_parser_parse(&parser_, event.get()) == 1) return;
  const std::string problem = parser_.problem == nullptr ? "it can not be read" : parser_.problem;
  auto at = parser_.problem_mark;
  if (parser_.error == YAML_READER_ERROR) at = parser_.mark;
  const std::string context = parser_.context == nullptr ? "" : std::string(parser_.context) + ", ";
  fail(at, "not YAML: " + printable(context + problem, 300));
}

void YamlReader::begin(const Node& node, const Event& event, const yaml_char_t* anchor) {
  if (++nodes_ > nodes_max) fail(event->start_mark, "found more than 1000000 values");
  node->line = event->start_mark.line + 1;
  node->column = event->start_mark.column + 1;
  if (anchor != nullptr) anchors_[text_of(anchor)] = node;
}

// Puts a finished node where it belongs: the root, an item, a key or a value.
void YamlReader::place(const YamlPointer& node, const yaml_mark_t& at) {
  if (open_.empty()) {
    root_ = node;
    return;
  }
  auto& parent = *open_.back();
  parent.height = std::max(parent.height, node->height + 1);
  if (parent.height + open_.size() > levels_max + 1) {
    fail(at, "found values more than 64 levels deep");
  }
  auto& key = keys_.back();
  if (parent.kind == YamlNode::Kind::List) {
    parent.items.push_back(node);
  } else if (!key) {
    key = node;
  } else {
    parent.pairs.emplace_back(std::move(key), node);
    key = nullptr;
  }
}

void YamlReader::scalar(const Event& event) {
  const auto& scalar = event->data.scalar;
  const auto node = std::make_shared<YamlNode>();
  node->text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
  node->tag = text_of(scalar.tag);
  node->plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
  begin(node, event, scalar.anchor);
  place(node, event->start_mark);
}

void YamlReader::alias(const Event& event) {
  const auto anchor = text_of(event->data.alias.anchor);
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    fail(event->start_mark, "found the alias '*" + printable(anchor, 100) + "', and no '&" +
                                printable(anchor, 100) + "' before it");
  }
  const bool unfinished = std::find(open_.begin(), open_.end(), found->second) != open_.end();
  if (unfinished) {
    fail(event->start_mark,
         "found the alias '*" + printable(anchor, 100) + "' inside of what it stands for");
  }
  place(found->second, event->start_mark);
}

void YamlReader::take(const Event& event) {
  switch (event->type) {
    case YAML_SCALAR_EVENT:
      return scalar(event);
    case YAML_ALIAS_EVENT:
      return alias(event);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: {
      const bool list = event->type == YAML_SEQUENCE_START_EVENT;
      if (open_.size() == levels_max) {
        fail(event->start_mark, "found values more than 64 levels deep");
      }
      const auto node = std::make_shared<YamlNode>();
      node->kind = list ? YamlNode::Kind::List : YamlNode::Kind::Mapping;
      node->tag = text_of(list ? event->data.sequence_start.tag : event->data.mapping_start.tag);
      begin(node, event,
            list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor);
      open_.push_back(node);
      keys_.emplace_back();
      return;
    }
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: {
      const auto node = open_.back();
      open_.pop_back();
      keys_.pop_back();
      return place(node, event->start_mark);
    }
    default:
      return;
  }
}

YamlPointer YamlReader::read() {
  for (bool first = true;;) {
    Event event;
    next(event);
    if (event->type == YAML_STREAM_END_EVENT) return root_;
    if (event->type == YAML_DOCUMENT_START_EVENT) {
      if (!first) fail(event->start_mark, "found a second document; the file has one");
      first = false;
    }
    take(event);
  }
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

using Pairs = std::vector<std::pair<YamlPointer, YamlPointer>>;

// What is merged in comes first, so that the mapping's own keys go before it; of several mappings
// the first counts.
void collect(const YamlNode& mapping, YamlBudget& budget, Pairs& into) {
  for (const auto& [key, value] : mapping.pairs) {
    budget.spend(*key);
    if (!key->plain || key->text != "<<") continue;
    if (value->kind == YamlNode::Kind::Mapping) {
      collect(*value, budget, into);
    } else if (value->kind == YamlNode::Kind::List) {
      for (auto item = value->items.rbegin(); item != value->items.rend(); ++item) {
        budget.spend(**item);
        if ((*item)->kind == YamlNode::Kind::Mapping) collect(**item, budget, into);
      }
    }
  }
  for (const auto& pair : mapping.pairs) {
    const bool merge = pair.first->plain && pair.first->text == "<<";
    if (merge || pair.first->kind != YamlNode::Kind::Scalar) continue;
    into.push_back(pair);
  }
}

}  // namespace

bool YamlNode::is_null() const {
  return kind == Kind::Scalar && plain && is_one_of(text, {"", "~", "null", "Null", "NULL"});
}

bool YamlNode::is_typed() const {
  if (kind != Kind::Scalar || !plain || !tag.empty() || text.empty()) return false;
  if (is_one_of(text, {"yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false",
                       "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF"})) {
    return true;
  }
  const auto digits = text.find_first_not_of("0123456789_.:-+eExoabcdfABCDF");
  const bool begins = text[0] >= '0' && text[0] <= '9';
  const auto other = text.find_first_not_of("0123456789_");
  if (begins && other == std::string::npos) return true;
  // A fraction: digits around one '.'; anything like an address has more of them.
  return begins && digits == std::string::npos && text[other] == '.' &&
         text.find_first_not_of("0123456789_", other + 1) == std::string::npos;
}

Pairs YamlNode::merged(YamlBudget& budget) const {
  Pairs all;
  collect(*this, budget, all);
  std::map<std::string_view, std::size_t> last;
  for (std::size_t i = 0; i < all.size(); ++i) last[all[i].first->text] = i;
  Pairs out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (last[all[i].first->text] == i) out.push_back(all[i]);
  }
  return out;
}

void YamlBudget::spend(const YamlNode& at) {
  if (left_-- > 0) return;
  throw Error(where(at) + ": aliases make this file mean more than 2000000 values");
}

std::string YamlBudget::where(const YamlNode& node) const {
  return name_ + ":" + std::to_string(node.line) + ":" + std::to_string(node.column);
}

YamlPointer read_yaml(std::string_view text, const std::string& name) {
  return YamlReader(text, name).read();
}

}  // namespace kongfleet::controller
