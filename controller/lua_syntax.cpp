// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/lua_syntax.hpp"

#include "controller/child_process.hpp"
#include "proto/error.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

constexpr auto lua_time = 60s;  // 256 MiB of Lua compile in less
constexpr std::size_t answers_max = std::size_t{8} << 20;
constexpr const char* openresty_lua = "/usr/local/openresty/luajit/bin/luajit";

// Reads "SIZE\n" and that many bytes, again and again; for each answers one line: "0", or the
// message. Compiled Lua is not given to it: loading that is not safe.
constexpr const char* program = R"lua(
  while true do
    local size = io.read("*l")
    if not size then break end
    local text = tonumber(size) > 0 and io.read(tonumber(size)) or ""
    local chunk, message = loadstring(text, "@L")
    io.write(chunk and "0" or (message:gsub("[\r\n]", " ")), "\n")
  end
)lua";

bool runnable(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

bool wanted(const TreeFile& file) {
  return file.path.ends_with(".lua") && !file.content.starts_with('\x1b');
}

// What loadfile skips and loadstring does not: a byte order mark, and a first line with "#". The
// line's end stays, so that lines keep their numbers.
std::string_view as_loadfile(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.starts_with('#')) text.remove_prefix(std::min(text.find('\n'), text.size()));
  return text;
}

// From "L:7: '=' expected near 'x'".
Finding finding(const TreeFile& file, std::string_view message) {
  Finding found{.severity = Severity::Error, .file = file.path};
  if (message.starts_with("L:")) {
    message.remove_prefix(2);
    const auto* const end = message.data() + message.size();
    const auto [stop, ec] = std::from_chars(message.data(), end, found.line);
    if (ec == std::errc()) message.remove_prefix(static_cast<std::size_t>(stop - message.data()));
    if (message.starts_with(": ")) message.remove_prefix(2);
  }
  found.text = "is not Lua: " + printable(message, 300);
  return found;
}

}  // namespace

std::optional<std::filesystem::path> find_lua(std::string_view path) {
  for (const auto* name : {"luajit", "lua5.1"}) {
    for (std::size_t start = 0; start <= path.size();) {
      const auto end = std::min(path.find(':', start), path.size());
      const std::filesystem::path directory = path.substr(start, end - start);
      // A relative entry of PATH would run what happens to lie in the current directory.
      if (directory.is_absolute() && runnable(directory / name)) return directory / name;
      start = end + 1;
    }
  }
  if (runnable(openresty_lua)) return openresty_lua;
  return std::nullopt;
}

std::vector<Finding> check_lua_syntax(const PluginTree& tree, const std::filesystem::path& lua) {
  std::string input;
  for (const auto& file : tree.files) {
    if (!wanted(file)) continue;
    const auto text = as_loadfile(file.content);
    input += std::to_string(text.size()) + "\n";
    input += text;
  }
  const auto result = run_child({lua.string(), "-e", program}, input,
                                {.output_bytes = answers_max, .time = lua_time});
  if (result.exit_code != 0) {
    throw Error("check Lua syntax with '" + lua.string() + "': " + printable(result.errors, 500));
  }
  std::vector<Finding> findings;
  std::string_view rest = result.output;
  for (const auto& file : tree.files) {
    if (!wanted(file)) continue;
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) {
      throw Error("check Lua syntax with '" + lua.string() + "': it gave no answer for '" +
                  file.path + "'");
    }
    if (rest.substr(0, end) != "0") findings.push_back(finding(file, rest.substr(0, end)));
    rest.remove_prefix(end + 1);
  }
  return findings;
}

}  // namespace kongfleet::controller
