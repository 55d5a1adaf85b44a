// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/file_identity.hpp"

#include "proto/error.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace kongfleet::agent {

namespace fs = std::filesystem;

namespace {

// XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h.
constexpr std::size_t attribute_bytes_max = std::size_t{64} << 10;

std::map<std::string, std::string> attributes_of(const Fd& file, const fs::path& path) {
  std::map<std::string, std::string> found;
  std::vector<char> names(attribute_bytes_max);
  const auto length = ::flistxattr(file.get(), names.data(), names.size());
  if (length < 0 && errno == ENOTSUP) return found;
  if (length < 0) throw_errno("list extended attributes of", path);
  std::vector<char> value(attribute_bytes_max);
  for (const char* name = names.data(); name < names.data() + length;
       name += std::char_traits<char>::length(name) + 1) {
    const auto size = ::fgetxattr(file.get(), name, value.data(), value.size());
    if (size < 0) throw_errno("read extended attribute " + std::string(name) + " of", path);
    found[name] = std::string(value.data(), static_cast<std::size_t>(size));
  }
  return found;
}

}  // namespace

FileIdentity identity_of(const Fd& file, const fs::path& path) {
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw_errno("look at", path);
  return {info.st_uid, info.st_gid, info.st_mode & 07777, attributes_of(file, path)};
}

void set_identity(const Fd& file, const FileIdentity& wanted, const fs::path& path) {
  const auto has = identity_of(file, path);
  if (has == wanted) return;
  const bool same_owner = has.owner == wanted.owner && has.group == wanted.group;
  if (!same_owner && ::fchown(file.get(), wanted.owner, wanted.group) != 0) {
    throw_errno("set the owner of", path);
  }
  for (const auto& [name, value] : has.attributes) {
    if (wanted.attributes.contains(name)) continue;
    if (::fremovexattr(file.get(), name.c_str()) != 0) {
      throw_errno("remove extended attribute " + name + " of", path);
    }
  }
  for (const auto& [name, value] : wanted.attributes) {
    const auto old = has.attributes.find(name);
    if (old != has.attributes.end() && old->second == value) continue;
    if (::fsetxattr(file.get(), name.c_str(), value.data(), value.size(), 0) != 0) {
      throw_errno("set extended attribute " + name + " of", path);
    }
  }
  // Last: a change of owner clears bits of it, and an ACL's mask is a part of it.
  if (::fchmod(file.get(), wanted.mode) != 0) throw_errno("set the mode of", path);
}

}  // namespace kongfleet::agent
