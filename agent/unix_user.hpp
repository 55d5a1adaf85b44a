// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// A local account.
struct UnixUser {
  std::string name;  // empty for a uid that has no name
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // gid first
  std::string home = "/";
};

/// Accounts as the two files have them: the agent is static, so that NSS (LDAP, sssd) is out of its
/// reach. A missing file has no accounts; lines that are not in the format are passed over.
class UnixUsers {
public:
  UnixUsers(const std::filesystem::path& passwd, const std::filesystem::path& group);
  std::optional<UnixUser> find(std::string_view name) const;
  /// A uid without an account gets itself as group and no name.
  UnixUser find(uid_t uid) const;
  std::optional<gid_t> group(std::string_view name) const;

private:
  struct Group {
    std::string name;
    gid_t gid;
    std::vector<std::string> members;
  };
  std::vector<UnixUser> users_;
  std::vector<Group> groups_;
};

/// Whether a file or directory of this mode and owner can be read (and, a directory, entered) by
/// `user`. Mode bits only: an ACL may say otherwise.
bool may_read(const UnixUser& user, mode_t mode, uid_t owner, gid_t group);
bool may_enter(const UnixUser& user, mode_t mode, uid_t owner, gid_t group);

}  // namespace kongfleet::agent
