// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/shell_command.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace kongfleet::agent {
namespace {

constexpr std::string_view plain_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%";
constexpr std::string_view unit_specials = ",%";  // of those; the first is one of prose
/// Nobody else's: it hides no drop-in that people wrote for all our units. A purge takes it away.
constexpr std::string_view paths_drop_in = "/zz-kongfleet-paths.conf";
constexpr std::array<std::string_view, 6> commands{"systemctl ", "chattr ",   "chmod ",
                                                   "chown ",     "mkdir -p ", "luarocks "};

}  // namespace

std::string shell_word(const std::string& text) {
  if (!text.empty() && text.find_first_not_of(plain_characters) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'')
      word += "'\\''";
    else
      word += c;
  }
  return word + "'";
}

bool is_command(const std::string& advice) {
  return std::any_of(commands.begin(), commands.end(), [&](std::string_view begin) {
    return advice.starts_with(begin) && advice.find_first_of(";,") == std::string::npos;
  });
}

std::optional<std::string> way_to_open(const std::filesystem::path& directory) {
  const auto path = directory.string();
  if (path == "/etc")
    return "all of /etc is too much to open to the agent: move the file to a directory of its own "
           "(kong.conf to /etc/kong/kong.conf, where Kong looks first), and have what names it, "
           "agent.toml or a unit, name it there";
  if (path != shell_word(path) || path.find_first_of(unit_specials) != std::string::npos)
    return std::nullopt;
  const std::string units = "/etc/systemd/system/kongfleet-";
  const auto agent = units + "agent.service.d";
  const auto recovery = units + "recover.service.d";
  return "mkdir -p " + agent + " " + recovery + " && printf '[Service]\\nReadWritePaths=" + path +
         "\\n' | tee -a " + agent + std::string(paths_drop_in) + " >>" + recovery +
         std::string(paths_drop_in) +
         " && systemctl daemon-reload && systemctl try-restart kongfleet-agent.service";
}

}  // namespace kongfleet::agent
