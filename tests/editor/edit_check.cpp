// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/editor/edit_check.hpp"

#include <algorithm>
#include <set>

namespace kongfleet::agent {
namespace {

using Words = std::vector<std::string>;

bool contains(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Reading our_reading(const KongConf& conf) {
  Reading reading;
  for (const auto& setting : conf.settings()) {
    const char kind = setting.kind == ConfKind::Text     ? 't'
                      : setting.kind == ConfKind::Number ? 'n'
                                                         : 'T';
    reading.values[setting.key] = kind + setting.value;
  }
  const auto* plugins = conf.find("plugins");
  if (plugins && plugins->kind == ConfKind::Text) reading.plugins = split_list(plugins->value);
  return reading;
}

/// The places that Lua searches, in order, "*" being its own default: what nginx's Lua module makes
/// of the value as Kong renders it (VALUE;LUA_PATH;;). A place named twice is searched no
/// differently.
Words places_of(const std::string& value) {
  std::string path = value + ";;;";
  for (auto at = path.find(";;"); at != std::string::npos; at = path.find(";;", at + 3)) {
    path.replace(at, 2, ";*;");
  }
  Words places;
  for (std::size_t begin = 0; begin < path.size();) {
    const auto end = path.find(';', begin);
    const auto place = path.substr(begin, end - begin);
    if (!place.empty() && !contains(places, place)) places.push_back(place);
    begin = end + 1;
  }
  return places;
}

std::string text_value(const Reading& reading, const std::string& key, const std::string& absent) {
  const auto found = reading.values.find(key);
  return found == reading.values.end() ? absent : found->second.substr(1);
}

std::string judge_path(const Change& change, const Reading& before, const Reading& after) {
  Words wanted;
  if (!change.generation_dir.empty()) {
    wanted = {change.generation_dir + "/?.lua", change.generation_dir + "/?/init.lua"};
  }
  for (const auto& place :
       places_of(text_value(before, "lua_package_path", "./?.lua;./?/init.lua;"))) {
    if (!place.starts_with(change.generations_root + "/")) wanted.push_back(place);
  }
  if (after.values.count("lua_package_path") == 0) return "lua_package_path is not explicit";
  return places_of(text_value(after, "lua_package_path", "")) == wanted
             ? ""
             : "lua_package_path is not ours, then the user's";
}

/// The plugins Kong loads for a list.
std::set<std::string> loaded(const Words& list) {
  if (list.empty() || list[0] == "off") return {};
  std::set<std::string> names(list.begin(), list.end());
  names.erase("off");
  return names;
}

std::string judge_plugins(const Change& change, const Reading& before, const Reading& after) {
  const bool absent = before.values.count("plugins") == 0;
  const Words had = absent ? Words{"bundled"} : before.plugins;
  auto wanted = loaded(had);
  for (const auto& name : change.remove_plugins) wanted.erase(name);
  for (const auto& name : change.remove_plugins) {
    if (contains(change.add_plugins, name) && contains(had, name)) wanted.insert(name);
  }
  wanted.insert(change.add_plugins.begin(), change.add_plugins.end());
  if (after.values.count("plugins") == 0) return "plugins is not explicit";
  if (loaded(after.plugins) != wanted) return "plugins does not load what it should";
  if (!had.empty() && after.plugins.empty()) return "plugins became empty";

  const auto users = [&change](const Words& list) {
    Words kept;
    std::copy_if(list.begin(), list.end(), std::back_inserter(kept), [&](const auto& name) {
      return name != "off" && !contains(change.add_plugins, name) &&
             !contains(change.remove_plugins, name);
    });
    return kept;
  };
  return users(had) == users(after.plugins) ? "" : "the user's plugins changed";
}

/// The edited text, made again from the original and the list of changed lines.
std::string replayed(const std::string& text, const Edited& edited) {
  const auto last = text.rfind('\n');
  const bool crlf = last != std::string::npos && last > 0 && text[last - 1] == '\r';
  std::string made;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    std::string line = text.substr(begin, end - begin);
    ++number;
    for (const auto& diff : edited.lines) {
      if (diff.line != number || !diff.before) continue;
      if (!line.starts_with(*diff.before)) return "";
      line.replace(0, diff.before->size(), diff.after);
    }
    made += line;
    begin = end;
  }
  for (const auto& diff : edited.lines) {
    if (diff.before) continue;
    if (!made.empty() && made.back() != '\n') made += '\n';
    made += diff.after + (crlf ? "\r\n" : "\n");
  }
  return made;
}

/// Of a changed line, what stands up to '=' and the comment must be as they were.
bool keeps_key_and_comment(const LineDiff& diff) {
  if (!diff.before) return true;
  const auto& before = *diff.before;
  const auto equals = before.find('=') + 1;
  std::size_t comment = equals;
  while (comment < before.size() && (before[comment] != '#' || before[comment - 1] == '\\')) {
    ++comment;
  }
  return diff.after.starts_with(before.substr(0, equals)) &&
         diff.after.ends_with(before.substr(comment));
}

std::string judge_bytes(const ConfCase& made, const Edited& edited) {
  if (replayed(made.text, edited) != edited.text)
    return "other bytes than those of our lines changed";
  return std::all_of(edited.lines.begin(), edited.lines.end(), keeps_key_and_comment)
             ? ""
             : "a key or comment changed";
}

/// In the dialect that was not asked for: what we wrote reads alike, what we left reads as before.
std::string judge_other(const std::string& key, const Reading& asked, const Reading& before,
                        const Reading& after, bool touched) {
  const auto got = text_value(after, key, "");
  const auto wanted = text_value(touched ? asked : before, key, "");
  return got == wanted ? "" : key + " says something else to the other dialect";
}

}  // namespace

Answer our_answer(std::string_view text) {
  Answer answer;
  for (const std::size_t which : {0U, 1U}) {
    const auto parsed =
        KongConf::parse(text, which == 0 ? ConfDialect::Before32 : ConfDialect::From32);
    if (const auto* conf = std::get_if<KongConf>(&parsed)) {
      answer.readings[which] = our_reading(*conf);
    }
  }
  return answer;
}

std::string judge(const ConfCase& made, ConfDialect dialect, const Edited& edited,
                  const Answer& before, const Answer& after) {
  const std::size_t asked = dialect == ConfDialect::Before32 ? 0 : 1;
  for (const std::size_t which : {0U, 1U}) {
    if (!before.readings[which] || !after.readings[which]) return "Kong's loader fails on the file";
    auto others_before = before.readings[which]->values;
    auto others_after = after.readings[which]->values;
    for (const auto* key : {"plugins", "lua_package_path"}) {
      others_before.erase(key);
      others_after.erase(key);
    }
    if (others_before != others_after) return "another key changed";
  }
  const auto& was = *before.readings[asked];
  const auto& is = *after.readings[asked];
  std::vector<std::string> complaints = {judge_path(made.change, was, is),
                                         judge_plugins(made.change, was, is),
                                         judge_bytes(made, edited)};
  for (const std::string key : {"plugins", "lua_package_path"}) {
    const bool touched = text_value(was, key, "\n") != text_value(is, key, "\n");
    complaints.push_back(
        judge_other(key, is, *before.readings[1 - asked], *after.readings[1 - asked], touched));
  }
  if (text_value(is, "plugins", "") != edited.plugins ||
      text_value(is, "lua_package_path", "") != edited.lua_package_path) {
    complaints.emplace_back("the effective values are not those reported");
  }
  for (auto& complaint : complaints) {
    if (!complaint.empty()) return std::move(complaint);
  }
  return "";
}

}  // namespace kongfleet::agent
