// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/digest.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// kong.conf: a file that people and other programs edit too. It is only ever replaced as a whole,
/// by exchanging it with a complete, synced file beside it, and only when it still is what we
/// believe it to be (P1, P6). What is exchanged keeps owner, mode, ACL and extended attributes. Two
/// files beside it belong to us: .NAME.kongfleet-new and .NAME.kongfleet-restore. Not thread-safe.
class LiveFile {
public:
  /// Follows symlinks: the file they lead to is the one that is replaced, the links stay. Throws
  /// Error, with the reason, for what can't be replaced safely: no regular file, several hard
  /// links, a mount point.
  explicit LiveFile(const std::filesystem::path& path);
  const std::filesystem::path& path() const { return path_; }
  /// The content now. Throws Error.
  std::string read() const;

  /// Puts `next` and `restore` beside the file, synced, owned and protected as it is: the way there
  /// and the way back both need no new file from then on (P5). Throws Error; the live file is
  /// untouched.
  void prepare(std::string_view next, std::string_view restore) const;
  enum class Which { New, Restore };
  /// Whether the prepared file is there and has digest `content`.
  bool holds(Which which, const Digest& content) const;
  /// Exchanges the live file with the prepared one, if its content has digest `expected`; durable
  /// when it returns. False: somebody edited it in the meantime, and their content stands. Throws
  /// Error; the file is whole either way.
  bool exchange(Which which, const Digest& expected) const;
  /// Replaces the content by `next` where no prepared file fits (somebody edited it during a
  /// transaction).
  bool replace(std::string_view next, const Digest& expected) const;
  /// Removes both prepared files; durable. Throws Error.
  void forget() const;

private:
  std::filesystem::path prepared(Which which) const;
  void stage(Which which, std::string_view content) const;
  void take_identity(Which which) const;
  std::filesystem::path path_;
};

}  // namespace kongfleet::agent
