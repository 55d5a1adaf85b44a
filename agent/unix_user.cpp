// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/unix_user.hpp"

#include "agent/durable_file.hpp"

#include <algorithm>
#include <charconv>

namespace kongfleet::agent {
namespace {

std::vector<std::string> fields(std::string_view line, char separator) {
  std::vector<std::string> result;
  while (true) {
    const auto end = line.find(separator);
    result.emplace_back(line.substr(0, end));
    if (end == std::string_view::npos) return result;
    line.remove_prefix(end + 1);
  }
}

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::string text;
  if (!read_file_if_there(path, text)) return {};
  return fields(text, '\n');
}

/// The three permission bits that count for `user`.
unsigned bits_for(const UnixUser& user, mode_t mode, uid_t owner, gid_t group) {
  if (user.uid == owner) return (mode >> 6) & 7;
  if (std::find(user.groups.begin(), user.groups.end(), group) != user.groups.end())
    return (mode >> 3) & 7;
  return mode & 7;
}

}  // namespace

UnixUsers::UnixUsers(const std::filesystem::path& passwd, const std::filesystem::path& group) {
  for (const auto& line : lines_of(group)) {
    const auto part = fields(line, ':');
    const auto gid = part.size() >= 4 ? number(part[2]) : std::nullopt;
    if (gid) groups_.push_back({part[0], *gid, fields(part[3], ',')});
  }
  for (const auto& line : lines_of(passwd)) {
    const auto part = fields(line, ':');
    if (part.size() < 7) continue;
    const auto uid = number(part[2]);
    const auto gid = number(part[3]);
    if (!uid || !gid) continue;
    UnixUser user{part[0], *uid, *gid, {*gid}, part[5]};
    for (const auto& entry : groups_)
      if (std::find(entry.members.begin(), entry.members.end(), user.name) != entry.members.end())
        user.groups.push_back(entry.gid);
    users_.push_back(std::move(user));
  }
}

std::optional<UnixUser> UnixUsers::find(std::string_view name) const {
  for (const auto& user : users_)
    if (user.name == name) return user;
  return std::nullopt;
}

UnixUser UnixUsers::find(uid_t uid) const {
  for (const auto& user : users_)
    if (user.uid == uid) return user;
  return {"", uid, uid, {uid}, "/"};
}

std::optional<gid_t> UnixUsers::group(std::string_view name) const {
  for (const auto& entry : groups_)
    if (entry.name == name) return entry.gid;
  return std::nullopt;
}

bool may_read(const UnixUser& user, mode_t mode, uid_t owner, gid_t group) {
  return user.uid == 0 || (bits_for(user, mode, owner, group) & 4) != 0;
}

bool may_enter(const UnixUser& user, mode_t mode, uid_t owner, gid_t group) {
  return user.uid == 0 || (bits_for(user, mode, owner, group) & 1) != 0;
}

}  // namespace kongfleet::agent
