// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ansible_ini.hpp"

#include "controller/ansible_hosts.hpp"
#include "controller/suggestion.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <map>

namespace kongfleet::controller {

namespace {

bool space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

std::string in_quotes(std::string_view text) { return "'" + printable(text, 100) + "'"; }

std::string_view stripped(std::string_view text) {
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

// Nothing but space, or a comment.
bool is_rest(std::string_view text) {
  text = stripped(text);
  return text.empty() || text.front() == '#';
}

/// A word of a line of hosts, as a shell would read it, and where it begins.
struct Word {
  std::string text;
  std::size_t at = 0;
};

enum class Section { Hosts, Children, Vars };

/// What is known of a group that was named before it was declared.
struct Pending {
  Section as;
  std::size_t line;
  std::vector<std::string> parents;
};

class IniReader {
public:
  IniReader(const std::string& name, AnsibleData& data) : name_(name), data_(data) {}
  void read(std::string_view text);

private:
  [[noreturn]] void fail(std::size_t offset, const std::string& what) const;
  std::string where(std::size_t offset) const;
  void line(std::string_view text);
  bool section(std::string_view text);
  void declare(Section section);
  void hosts(std::string_view text);
  void child(std::string_view text);
  void variable(std::string_view text);
  std::vector<Word> words(std::string_view text) const;
  void quote(std::string_view text, std::size_t& at, std::string& into) const;
  InventoryValue value(std::string_view text, std::size_t at) const;
  void check_pending() const;

  const std::string& name_;
  AnsibleData& data_;
  std::map<std::string, Pending> pending_;
  std::string group_ = "ungrouped";
  Section section_ = Section::Hosts;
  std::size_t line_ = 0;
  std::size_t indent_ = 0;  // what was stripped from the front of the line
};

std::string IniReader::where(std::size_t offset) const {
  return name_ + ":" + std::to_string(line_) + ":" + std::to_string(indent_ + offset + 1);
}

void IniReader::fail(std::size_t offset, const std::string& what) const {
  throw Error(where(offset) + ": " + what);
}

void IniReader::read(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    ++line_;
    const auto whole = text.substr(0, end);
    const auto inner = stripped(whole);
    indent_ = inner.empty() ? 0 : static_cast<std::size_t>(inner.data() - whole.data());
    line(inner);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  check_pending();
}

void IniReader::line(std::string_view text) {
  if (text.empty() || text.front() == '#' || text.front() == ';') return;
  if (text.find('\0') != std::string_view::npos) fail(0, "found a NUL byte; an inventory is text");
  if (section(text)) return;
  if (text.front() == '[' && text.back() == ']') {
    fail(0, "found " + in_quotes(text) +
                " as a section; it is written [GROUP], [GROUP:children] or " +
                "[GROUP:vars], without spaces");
  }
  switch (section_) {
    case Section::Hosts:
      return hosts(text);
    case Section::Children:
      return child(text);
    case Section::Vars:
      return variable(text);
  }
}

// "[GROUP]" or "[GROUP:KIND]", and a comment behind it.
bool IniReader::section(std::string_view text) {
  const auto close = text.find(']');
  if (text.front() != '[' || close == std::string_view::npos || close == 1) return false;
  if (!is_rest(text.substr(close + 1))) return false;
  const auto inner = text.substr(1, close - 1);
  if (std::any_of(inner.begin(), inner.end(), space)) return false;
  const auto colon = inner.find(':');
  const auto kind = colon == std::string_view::npos ? "hosts" : inner.substr(colon + 1);
  if (colon == 0 || kind.empty() || kind.find(':') != std::string_view::npos) return false;
  const std::vector<std::string> kinds = {"hosts", "children", "vars"};
  const auto known = std::find(kinds.begin(), kinds.end(), kind);
  if (known == kinds.end()) {
    fail(colon + 2, "found " + in_quotes(kind) + " as the kind of a section; " +
                        did_you_mean(kind, kinds, "it is 'children' or 'vars', or left out"));
  }
  group_ = std::string(inner.substr(0, colon));
  section_ = *known == "hosts"  ? Section::Hosts
             : *known == "vars" ? Section::Vars
                                : Section::Children;
  declare(section_);
  return true;
}

// [g] and [g:children] declare a group; [g:vars] wants it declared somewhere.
void IniReader::declare(Section section) {
  if (!data_.has_group(group_)) {
    if (section == Section::Vars) pending_.try_emplace(group_, Pending{section, line_, {}});
    data_.add_group(group_, where(0));
  }
  if (section == Section::Vars) return;
  const auto waiting = pending_.extract(group_);
  if (waiting.empty()) return;
  for (const auto& parent : waiting.mapped().parents) data_.add_child(parent, group_, where(0));
}

void IniReader::hosts(std::string_view text) {
  const auto all = words(text);
  if (all.empty()) return;
  const auto& first = all.front();
  if (first.text == "---") {
    fail(0, "found '---', which begins a YAML file; give the file a name that ends in .yml");
  }
  std::vector<PatternHost> found;
  try {
    found = expand_ansible_hosts(first.text);
  } catch (const BadHostPattern& error) {
    fail(first.at + error.offset(), error.what());
  }
  if (first.text.ends_with(':') && !found.front().port) {
    fail(first.at, "found " + in_quotes(first.text) + " as a host; a port follows the ':'");
  }
  for (const auto& host : found) data_.add_host(host.name, group_, host.port, where(first.at));
  for (auto word = all.begin() + 1; word != all.end(); ++word) {
    const auto equals = word->text.find('=');
    if (equals == std::string::npos) {
      fail(word->at,
           "found " + in_quotes(word->text) + " behind a host; variables are written key=value");
    }
    const auto key = word->text.substr(0, equals);
    const auto set = value(word->text.substr(equals + 1), word->at);
    for (const auto& host : found) data_.set_variable(host.name, key, set);
  }
}

void IniReader::child(std::string_view text) {
  const auto end =
      std::find_if(text.begin(), text.end(), [](char c) { return space(c) || c == '#'; });
  const std::string name(text.begin(), end);
  const bool good = !name.empty() && name.find_first_of(":]") == std::string::npos &&
                    is_rest(text.substr(name.size()));
  if (!good)
    fail(0, "found " + in_quotes(text) + " among the children; a line is the name of a group");
  if (data_.has_group(name)) return data_.add_child(group_, name, where(0));
  const auto waiting = pending_.try_emplace(name, Pending{Section::Children, line_, {}}).first;
  waiting->second.parents.push_back(group_);
}

void IniReader::variable(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    fail(0, "found " + in_quotes(text) + " among the variables; a line is key = value");
  }
  const auto from = text.substr(equals + 1);
  const auto inner = stripped(from);
  const auto at = inner.empty() ? equals : static_cast<std::size_t>(inner.data() - text.data());
  data_.set_variable(group_, std::string(stripped(text.substr(0, equals))), value(inner, at));
}

// What is quoted like a Python text loses its quotes; so does a number the comment behind it.
// Ansible reads any Python value here; what this does not know stays as it is written.
InventoryValue IniReader::value(std::string_view text, std::size_t at) const {
  InventoryValue value{.text = std::string(text), .where = where(at)};
  if (text.empty()) return value;
  const char first = text.front();
  if (first == '\'' || first == '"') {
    const auto close = text.find(first, 1);
    const auto inner = text.substr(1, close == std::string_view::npos ? 0 : close - 1);
    if (close != std::string_view::npos && is_rest(text.substr(close + 1)) &&
        inner.find('\\') == std::string_view::npos) {
      value.text = std::string(inner);
    }
    return value;
  }
  const auto end = text.find_first_not_of("0123456789");
  const bool number = end != 0 && (text[0] != '0' || end == 1);
  if (number && end != std::string_view::npos && is_rest(text.substr(end))) {
    value.text = std::string(text.substr(0, end));
  }
  const auto name_end = text.find_first_of(" \t#");
  if (text.substr(0, name_end) == "None" && is_rest(text.substr(4))) {
    value.kind = InventoryValue::Kind::Null;
  } else if (first == '[' || first == '{' || first == '(') {
    value.kind = text.find("{{") == 0 ? InventoryValue::Kind::Text : InventoryValue::Kind::Opaque;
  }
  return value;
}

// Behind an opening quote at `at` - 1; leaves `at` behind the closing one.
void IniReader::quote(std::string_view text, std::size_t& at, std::string& into) const {
  const auto open = at - 1;
  const char mark = text[open];
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == mark) {
      ++at;
      return;
    }
    const bool escapes = mark == '"' && c == '\\' && at + 1 < text.size() &&
                         (text[at + 1] == '"' || text[at + 1] == '\\');
    into += escapes ? text[++at] : c;
  }
  fail(open, "the quote is not closed");
}

std::vector<Word> IniReader::words(std::string_view text) const {
  std::vector<Word> out;
  std::size_t at = 0;
  while (at < text.size() && text[at] != '#') {
    if (space(text[at])) {
      ++at;
      continue;
    }
    Word word{.at = at};
    while (at < text.size() && !space(text[at]) && text[at] != '#') {
      const char c = text[at++];
      if (c == '\'' || c == '"') {
        quote(text, at, word.text);
      } else if (c == '\\') {
        if (at == text.size())
          fail(at - 1, "found a '\\' at the end of the line; nothing follows it");
        word.text += text[at++];
      } else {
        word.text += c;
      }
    }
    out.push_back(std::move(word));
  }
  return out;
}

void IniReader::check_pending() const {
  if (pending_.empty()) return;
  const auto& [name, first] =
      *std::min_element(pending_.begin(), pending_.end(),
                        [](const auto& a, const auto& b) { return a.second.line < b.second.line; });
  const auto place = name_ + ":" + std::to_string(first.line) + ":1: ";
  const auto shown = printable(name, 100);
  auto others = data_.group_names();
  others.erase(std::remove(others.begin(), others.end(), name), others.end());
  const auto advice = did_you_mean(name, others, "declare it with a line [" + shown + "]");
  if (first.as == Section::Vars) {
    throw Error(place + "found [" + shown + ":vars] for a group that is nowhere declared; " +
                advice);
  }
  throw Error(place + "found the child '" + shown + "' of " + in_quotes(first.parents.back()) +
              ", which is nowhere declared; " + advice);
}

}  // namespace

void read_ansible_ini(std::string_view text, const std::string& name, AnsibleData& data) {
  IniReader(name, data).read(text);
}

}  // namespace kongfleet::controller
