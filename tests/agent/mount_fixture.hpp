// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace kongfleet::agent {

/// Does `work` in a mount namespace of its own: what is mounted in it nobody else sees, and it is
/// gone afterwards. What it throws comes out. Needs root; threads that `work` starts it must end.
void in_own_mounts(const std::function<void()>& work);

/// Something mounted within in_own_mounts(), as long as this lives. REQUIREs that it succeeds.
class Mount {
public:
  /// A tmpfs of that size ("64k") and number of inodes; 0: as many as it likes.
  static Mount tmpfs(const std::filesystem::path& at, const std::string& size, unsigned inodes = 0);
  /// A new ext4, in an image file of a few MiB at `image`: it knows all attributes of chattr(1).
  static Mount ext4(const std::filesystem::path& at, const std::filesystem::path& image);
  /// A file or directory at a second place.
  static Mount bind(const std::filesystem::path& what, const std::filesystem::path& at);
  Mount(Mount&& other) noexcept;
  Mount& operator=(Mount&&) = delete;
  ~Mount();
  void make_read_only() const;

private:
  explicit Mount(std::filesystem::path at);
  std::filesystem::path at_;
};

/// Sets and takes away attributes of chattr(1), FS_IMMUTABLE_FL and such, as long as this lives.
class Attributes {
public:
  Attributes(std::filesystem::path path, int flags);
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes();

private:
  std::filesystem::path path_;
  int before_ = 0;
};

}  // namespace kongfleet::agent
