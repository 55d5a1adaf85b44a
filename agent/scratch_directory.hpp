// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/unix_user.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// A fresh directory for one preflight, ours alone until it is given away, gone with this object.
/// Its name is short: Kong 3 binds a unix socket at PREFIX plus 19 characters, and such a path has
/// 107 at most.
class ScratchDirectory {
public:
  explicit ScratchDirectory(const std::filesystem::path& parent);
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();
  const std::filesystem::path& path() const { return path_; }
  /// A new file in it, readable for its owner only.
  std::filesystem::path write(const std::string& name, std::string_view text) const;
  std::filesystem::path make_directory(const std::string& name) const;
  /// Makes all that is in it that user's.
  void give_to(const UnixUser& user) const;

private:
  std::filesystem::path path_;
};

}  // namespace kongfleet::agent
