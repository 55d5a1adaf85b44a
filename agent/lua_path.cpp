// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/lua_path.hpp"

#include <algorithm>

namespace kongfleet::agent {
namespace {

namespace fs = std::filesystem;

/// What stands for '?' when Lua looks for a module: "kong/plugins/x" for ".../x/init.lua" too.
std::vector<std::string> names_of(const fs::path& module) {
  auto stem = module;
  stem.replace_extension();
  std::vector<std::string> names{stem.string()};
  if (stem.filename() == "init") names.push_back(stem.parent_path().string());
  return names;
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// The first file that an entry gives for one of those names, or nothing.
std::optional<fs::path> file_by(const LuaSearch& search, const std::string& entry,
                                const std::vector<std::string>& names) {
  std::vector<std::string> patterns;
  if (!entry.empty()) patterns.push_back(entry);
  for (const auto& root : search.roots)
    if (entry.empty()) patterns.push_back((root / "?.lua").string());
  for (const auto& pattern : patterns) {
    for (const auto& name : names) {
      auto text = pattern;
      for (auto at = text.find('?'); at != std::string::npos; at = text.find('?', at + name.size()))
        text.replace(at, 1, name);
      const auto file = (search.base / text).lexically_normal();
      if (file.is_absolute() && is_file(file)) return file;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> lua_path_entries(const std::string& path) {
  std::vector<std::string> entries;
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find(';', begin), path.size());
    entries.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return entries;
}

std::optional<LuaPathShadow> shadow_before(const LuaSearch& search, const fs::path& directory,
                                           const std::vector<fs::path>& modules) {
  std::vector<std::string> names;
  for (const auto& module : modules) {
    if (module.extension() != ".lua") continue;
    for (auto& name : names_of(module)) names.push_back(std::move(name));
  }
  const auto entries = lua_path_entries(search.path);
  const auto ours = std::find_if(entries.begin(), entries.end(), [&](const std::string& entry) {
    return entry.starts_with(directory.string() + "/");
  });
  for (auto entry = entries.begin(); entry != ours; ++entry)
    if (auto file = file_by(search, *entry, names)) return LuaPathShadow{*entry, *std::move(file)};
  return std::nullopt;
}

}  // namespace kongfleet::agent
