// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ansible_yaml.hpp"

#include "controller/ansible_hosts.hpp"
#include "controller/yaml_tree.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

std::string in_quotes(const std::string& text) { return "'" + printable(text, 100) + "'"; }

std::string describe(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::List) return "a list";
  if (node.kind == YamlNode::Kind::Mapping) return "a mapping";
  return node.is_null() ? "nothing" : in_quotes(node.text);
}

class InventoryReader {
public:
  InventoryReader(const std::string& name, AnsibleData& data) : budget_(name), data_(data) {}
  void read(const YamlNode& root);

private:
  using Pairs = std::vector<std::pair<YamlPointer, YamlPointer>>;
  [[noreturn]] void fail(const YamlNode& at, const std::string& what) const {
    throw Error(budget_.where(at) + ": " + what);
  }
  void skip(const YamlNode& at, const std::string& what) {
    data_.note(budget_.where(at) + ": " + what);
  }
  const std::string& name_of(const YamlNode& key, const std::string& what) const;
  void group(const YamlNode& key, const YamlNode& value);
  void section(const std::string& group, const YamlNode& key, const YamlNode& value);
  Pairs entries(const YamlNode& key, const YamlNode& value);
  void hosts(const std::string& group, const YamlNode& key, const YamlNode& value);

  YamlBudget budget_;
  AnsibleData& data_;
};

InventoryValue value_of(const YamlNode& node, const YamlBudget& budget) {
  InventoryValue value{.where = budget.where(node)};
  if (node.is_null()) {
    value.kind = InventoryValue::Kind::Null;
  } else if (node.kind != YamlNode::Kind::Scalar || node.tag == "!vault") {
    value.kind = InventoryValue::Kind::Opaque;
  } else {
    value.text = node.text;
  }
  return value;
}

const std::string& InventoryReader::name_of(const YamlNode& key, const std::string& what) const {
  if (key.is_typed() || key.is_null()) {
    fail(key, "found " + describe(key) + " as the name of a " + what +
                  ", which YAML takes for no text; write it in quotes");
  }
  return key.text;
}

void InventoryReader::read(const YamlNode& root) {
  const auto groups = root.merged(budget_);
  for (const auto& [key, value] : groups) {
    if (key->text != "plugin") continue;
    fail(*key,
         "this configures a plugin of Ansible, which only Ansible can run; write "
         "command = \"ansible-inventory -i FILE --list\" in [inventory]");
  }
  for (const auto& [key, value] : groups) group(*key, *value);
}

void InventoryReader::group(const YamlNode& key, const YamlNode& value) {
  const auto& name = name_of(key, "group");
  if (value.kind != YamlNode::Kind::Mapping && !value.is_null()) {
    return skip(value, "passed over " + in_quotes(name) + ": a group is a mapping of 'hosts', " +
                           "'children' and 'vars', and this is " + describe(value));
  }
  data_.add_group(name, budget_.where(key));
  for (const auto& [part, content] : value.merged(budget_)) section(name, *part, *content);
}

void InventoryReader::section(const std::string& group, const YamlNode& key,
                              const YamlNode& value) {
  if (key.text == "hosts") return hosts(group, key, value);
  if (key.text == "vars") {
    for (const auto& [variable, content] : entries(key, value)) {
      data_.set_variable(group, variable->text, value_of(*content, budget_));
    }
  } else if (key.text == "children") {
    for (const auto& [child, content] : entries(key, value)) {
      this->group(*child, *content);
      if (!data_.has_group(child->text)) {
        fail(*child, "found the child " + in_quotes(child->text) + ", which is no group");
      }
      data_.add_child(group, child->text, budget_.where(*child));
    }
  } else {
    skip(key, "passed over " + in_quotes(key.text) + " in the group " + in_quotes(group) +
                  ": a group has 'hosts', 'children' and 'vars'");
  }
}

// Of a section: its entries; a text alone is an entry of nothing.
InventoryReader::Pairs InventoryReader::entries(const YamlNode& key, const YamlNode& value) {
  if (value.is_null()) return {};
  if (value.kind == YamlNode::Kind::Mapping) return value.merged(budget_);
  if (value.kind == YamlNode::Kind::List || value.is_typed()) {
    fail(value, "found " + describe(value) + " for " + in_quotes(key.text) +
                    "; it is a mapping: one name on a line, and ':' behind it");
  }
  auto nothing = std::make_shared<YamlNode>();
  nothing->plain = true;
  nothing->line = value.line;
  nothing->column = value.column;
  return {{std::make_shared<const YamlNode>(value), std::move(nothing)}};
}

void InventoryReader::hosts(const std::string& group, const YamlNode& key, const YamlNode& value) {
  for (const auto& [entry, content] : entries(key, value)) {
    std::vector<PatternHost> found;
    try {
      found = expand_ansible_hosts(name_of(*entry, "host"));
    } catch (const BadHostPattern& error) {
      fail(*entry, error.what());
    }
    if (content->kind != YamlNode::Kind::Mapping && !content->is_null()) {
      fail(*content, "found " + describe(*content) + " for the host " + in_quotes(entry->text) +
                         "; it is a mapping of variables, or nothing");
    }
    const auto variables = content->merged(budget_);
    for (const auto& host : found) {
      budget_.spend(*entry);
      data_.add_host(host.name, group, host.port, budget_.where(*entry));
      for (const auto& [variable, set] : variables) {
        budget_.spend(*variable);
        data_.set_variable(host.name, variable->text, value_of(*set, budget_));
      }
    }
  }
}

}  // namespace

void read_ansible_yaml(std::string_view text, const std::string& name, AnsibleData& data) {
  const auto root = read_yaml(text, name);
  if (root == nullptr || root->is_null()) throw Error(name + ": the file is empty");
  if (root->kind != YamlNode::Kind::Mapping) {
    throw Error(YamlBudget(name).where(*root) + ": found " + describe(*root) +
                "; an inventory is a mapping of groups");
  }
  InventoryReader(name, data).read(*root);
}

void read_ansible_variables(
    std::string_view text, const std::string& name,
    const std::function<void(const std::string& variable, InventoryValue value)>& set) {
  const auto root = read_yaml(text, name);
  if (root == nullptr || root->is_null()) return;
  YamlBudget budget(name);
  if (root->kind != YamlNode::Kind::Mapping) {
    throw Error(budget.where(*root) + ": found " + describe(*root) + "; variables are a mapping");
  }
  for (const auto& [variable, value] : root->merged(budget)) {
    set(variable->text, value_of(*value, budget));
  }
}

}  // namespace kongfleet::controller
