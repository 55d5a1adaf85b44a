// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>

namespace kongfleet::agent {

/// Whose a file is and how it is protected. ACLs (system.posix_acl_access), SELinux labels
/// (security.selinux) and user attributes are all extended attributes (xattr(7)).
struct FileIdentity {
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;                                // permission bits, 07777
  std::map<std::string, std::string> attributes;  // extended ones, none where there are none
  bool operator==(const FileIdentity&) const = default;
};

/// Of an open file; `path` is for messages. Throws Error.
FileIdentity identity_of(const Fd& file, const std::filesystem::path& path);

/// Gives an open file another identity, and touches only what differs: that needs no free block
/// where nothing differs. Throws Error; the file may have some of it then.
void set_identity(const Fd& file, const FileIdentity& wanted, const std::filesystem::path& path);

}  // namespace kongfleet::agent
