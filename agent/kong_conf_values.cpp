// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_conf_values.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

constexpr auto none = std::string_view::npos;
constexpr std::string_view digits_and_lower = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view name_characters = "0123456789abcdefghijklmnopqrstuvwxyz_-";
constexpr std::string_view path_characters =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_./-";

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::vector<std::string_view> pieces_of(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(separator, begin), text.size());
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

/// An absolute path in its plainest spelling, so that a text comparison tells what lies below what.
bool is_plain_path(std::string_view path) {
  if (!path.starts_with('/') || path.find_first_not_of(path_characters) != none) return false;
  const auto parts = pieces_of(path.substr(1), '/');
  return std::none_of(parts.begin(), parts.end(), [](std::string_view part) {
    return part.empty() || part == "." || part == "..";
  });
}

bool is_plugin_name(std::string_view name) {
  return !name.empty() && digits_and_lower.find(name[0]) != none &&
         name.find_first_not_of(name_characters) == none && name != "bundled" && name != "off";
}

template <class Text>
bool contains(const std::vector<Text>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::size_t separators_at(std::string_view path, std::size_t at) {
  return std::min(path.find_first_not_of(';', at), path.size()) - at;
}

bool ends_with_one_separator(std::string_view path) {
  return path.ends_with(';') && !path.ends_with(";;");
}

/// A Lua path without the entries below `root`. Each goes with one ';' beside it; a ';;' that was
/// there (nginx puts its default path in its place) stays one, and none comes into being.
std::string without_ours(std::string_view path, const std::string& root) {
  std::string kept;
  for (std::size_t begin = 0; begin < path.size();) {
    const auto end = std::min(path.find(';', begin), path.size());
    if (!path.substr(begin, end - begin).starts_with(root + "/")) {
      kept += path.substr(begin, end + 1 - begin);
      begin = end + 1;
      continue;
    }
    const auto behind = separators_at(path, end);
    begin = end;
    if (behind == 1 || behind > 2) {
      ++begin;
    } else if (ends_with_one_separator(kept)) {
      kept.pop_back();
    }
  }
  return kept;
}

std::string join(const std::vector<std::string_view>& items) {
  std::string list;
  for (const auto& item : items) {
    if (!list.empty()) list += ',';
    list += item;
  }
  return std::string(without_blanks(list));
}

bool is_off(std::string_view item) { return without_blanks(item) == "off"; }

}  // namespace

std::optional<ConfProblem> check_change(const Change& change) {
  const auto& root = change.generations_root;
  const auto& directory = change.generation_dir;
  if (!is_plain_path(root)) {
    return ConfProblem{0, "the generations' root " + quoted(root) +
                              " is not a plain absolute path of [A-Za-z0-9_./-]"};
  }
  if (!directory.empty() && (!is_plain_path(directory) || !directory.starts_with(root + "/"))) {
    return ConfProblem{0, "the generation directory " + quoted(directory) +
                              " is not a plain path of [A-Za-z0-9_./-] below " + quoted(root)};
  }
  for (const auto* names : {&change.add_plugins, &change.remove_plugins}) {
    for (const auto& name : *names) {
      if (is_plugin_name(name)) continue;
      return ConfProblem{0, "the plugin name " + quoted(name) +
                                " is not [a-z0-9][a-z0-9_-]*, or is a word of Kong's own"};
    }
  }
  return std::nullopt;
}

std::string why_unsafe(std::string_view written) {
  for (std::size_t i = 0; i < written.size(); ++i) {
    const char c = written[i];
    if (c == '"' || c == '\'') return "Kong keeps quotes as part of the value; remove them";
    if ((c >= 0 && c < ' ' && c != '\t') || c == '\x7f') {
      return "a control character stands in the value; remove it";
    }
    if (c == '\\' && !written.substr(i + 1).starts_with('#')) {
      return "'\\' is an escape to nginx; remove it";
    }
  }
  if (written.find("{vault:") != none) {
    return "a vault reference is not known before Kong starts; write the value itself";
  }
  return {};
}

Rewritten path_with(std::string_view written, const Change& change) {
  const auto& root = change.generations_root;
  const auto& directory = change.generation_dir;
  if (directory.empty()) return without_ours(written, root);

  std::string path = directory + "/?.lua;" + directory + "/?/init.lua";
  if (written.starts_with(path) && separators_at(written, path.size()) > 0) {
    const auto rest = written.substr(path.size());
    if (without_ours(rest, root) == rest) return std::string(written);
  }
  const auto user = without_ours(written, root);
  // One ';' at the front of the user's path separates already; a second would make it a ';;'.
  if (separators_at(user, 0) != 1) path += ';';
  path += user;
  if (path.size() >= lua_package_path_bytes_max) {
    return ConfProblem{0, "lua_package_path would have " + std::to_string(path.size()) +
                              " bytes, and nginx refuses more than about " +
                              std::to_string(lua_package_path_bytes_max) + "; shorten it"};
  }
  return path;
}

Rewritten plugins_with(std::string_view written, const Change& change) {
  const auto all = written.empty() ? std::vector<std::string_view>{} : pieces_of(written, ',');
  std::vector<std::string_view> kept;
  std::vector<std::string_view> names;
  for (const auto piece : all) {
    const auto name = without_blanks(piece);
    if (name.empty()) {
      return ConfProblem{0,
                         "an item of plugins is empty: Kong takes it for a plugin without a name "
                         "and fails to load; remove the ',' that is too many"};
    }
    if (contains(change.remove_plugins, name) && !contains(change.add_plugins, name)) continue;
    kept.push_back(piece);
    names.push_back(name);
  }
  const bool all_off = std::all_of(kept.begin(), kept.end(), is_off);
  const bool was_off = !all.empty() && is_off(all.front());
  if (!all_off && is_off(kept.front()) && (!was_off || !change.add_plugins.empty())) {
    return ConfProblem{0,
                       "plugins would begin with 'off', and Kong then loads none of the list; "
                       "remove 'off' or what stands behind it"};
  }
  const auto listed = names.size();
  for (const auto& name : change.add_plugins) {
    if (!contains(names, name)) names.emplace_back(name);
  }
  if (kept.size() == all.size() && names.size() == listed) return std::string(written);
  if (names.empty()) return "off";
  if (all_off && names.size() > listed) kept.clear();
  kept.insert(kept.end(), names.begin() + static_cast<std::ptrdiff_t>(listed), names.end());
  return join(kept);
}

}  // namespace kongfleet::agent
