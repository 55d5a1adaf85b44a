// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/lua_error.hpp"

#include <algorithm>

namespace kongfleet::agent {

namespace {

constexpr auto none = std::string_view::npos;

/// The file's path in the generation; empty for a file that isn't of it.
std::string path_in(std::string_view written, std::string_view generation,
                    const std::vector<Manifest>& releases) {
  const auto root = std::string(generation) + "/";
  if (const auto at = written.find(root); at != none)
    return std::string(written.substr(at + root.size()));
  if (!written.starts_with("...")) return {};
  written.remove_prefix(3);
  for (const auto& release : releases) {
    for (const auto& file : release.files()) {
      const auto& path = file.path.text();
      if (path.ends_with(written)) return path;
    }
  }
  return {};
}

/// "FILE.lua:LINE: TEXT" within a line of the log, the file as it is called in the generation.
std::string error_in(std::string_view line, std::string_view generation,
                     const std::vector<Manifest>& releases) {
  line = line.substr(0, line.find(", client: "));
  line = line.substr(0, line.find(", context: "));
  constexpr std::string_view mark = ".lua:";
  for (auto at = line.find(mark); at != none; at = line.find(mark, at + 1)) {
    const auto number = at + mark.size();
    const auto colon = line.find_first_not_of("0123456789", number);
    if (colon == none || colon == number || line[colon] != ':') continue;
    const auto blank = line.find_last_of(" '\"[(", at);
    const auto begin = blank == none ? 0 : blank + 1;
    const auto path =
        path_in(line.substr(begin, at + mark.size() - 1 - begin), generation, releases);
    if (!path.empty()) return path + std::string(line.substr(number - 1));
  }
  return {};
}

}  // namespace

std::string lua_error_of(std::string_view excerpt, std::string_view generation,
                         const std::vector<Manifest>& releases) {
  while (!excerpt.empty()) {
    const auto end = std::min(excerpt.find('\n'), excerpt.size());
    const auto line = excerpt.substr(0, end);
    excerpt.remove_prefix(std::min(end + 1, excerpt.size()));
    const bool is_error = line.find("[error]") != none || line.find("[crit]") != none ||
                          line.find("[alert]") != none || line.find("[emerg]") != none;
    if (!is_error) continue;
    auto found = error_in(line, generation, releases);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace kongfleet::agent
