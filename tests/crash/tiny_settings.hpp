// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace kongfleet::crash {

/// kong.conf or .kong_env as far as the tiny gateway reads them: `key = value` lines, '#' begins a
/// comment at the start of a line or after a blank, the last of two equal keys wins.
using Settings = std::map<std::string, std::string>;

Settings parse_settings(const std::string& text);
/// With Kong's defaults for what a deployment looks at.
Settings with_defaults(Settings settings);
std::string to_kong_env(const Settings& settings);

/// Who loads the plugins: a handler may hold a mark that breaks it for both, or for the master
/// alone.
enum class Loader { Parse, Master };
constexpr const char* broken_mark = "BROKEN";
constexpr const char* broken_in_master_mark = "BROKEN-IN-THE-MASTER";

/// Finds the handler of every plugin on lua_package_path and looks for the marks. An empty string,
/// or Kong's text for what is wrong.
std::string why_not_loadable(const Settings& settings, Loader loader);

/// The whole file; an empty string where it can't be read.
std::string read_text(const std::filesystem::path& path);
/// Truncates and writes, as Kong does. False, and errno, where that fails.
bool write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace kongfleet::crash
