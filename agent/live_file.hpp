// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/directory.hpp"
#include "agent/file_identity.hpp"
#include "proto/digest.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace kongfleet::agent {

/// kong.conf: a file that people and other programs edit too. It is only ever replaced as a whole,
/// by exchanging it with a complete, synced file beside it, and only when it still is what we
/// believe it to be (P1, P6). What is exchanged keeps owner, mode, ACL and extended attributes. Two
/// files beside it belong to us, its companions: .NAME.kongfleet-new and .NAME.kongfleet-restore.
/// Between transactions the second stays, readable by us alone: it is the way back that needs no
/// free block and no new file (P5). Each call walks to the directory as followed_path() does, and
/// does all in the one it came to, whatever is put in its place meanwhile. Not thread-safe.
class LiveFile {
public:
  /// Follows symlinks as followed_path() does: the file they lead to is the one that is replaced,
  /// the links stay. Throws Error, with the reason, where there is none or it is no regular file.
  explicit LiveFile(const std::filesystem::path& path);
  const std::filesystem::path& path() const { return path_; }
  /// The content now. Throws Error.
  std::string read() const;
  /// Makes what lies there last: whoever put it there may not have waited for the disk, or have
  /// died before that. Throws Error.
  void sync() const;

  /// Puts `next` and `restore` beside the file, synced, owned and protected as it is: the way there
  /// and the way back both need no new file from then on. Where `next` is the way back that was
  /// kept, and `restore` what the file holds now, nothing new is needed at all: after the exchange
  /// Which::New holds it. Throws Error; the live file is untouched.
  void prepare(std::string_view next, std::string_view restore) const;
  enum class Which { New, Restore };
  /// Whether that companion is there and has digest `content`.
  bool holds(Which which, const Digest& content) const;
  /// The digest of that companion, or nothing where there is none.
  std::optional<Digest> companion(Which which) const;
  /// Exchanges the live file with that companion, if its content has digest `expected`; durable
  /// when it returns. What was taken out is closed to others. False: somebody edited it in the
  /// meantime, and their content stands. Throws Error; the file is whole either way.
  bool exchange(Which which, const Digest& expected) const;
  /// Replaces the content by `next` where no companion fits (somebody edited it during a
  /// transaction).
  bool replace(std::string_view next, const Digest& expected) const;
  /// Puts in order what a death in the midst of an exchange left; whether there was anything. Not
  /// durable yet.
  bool mend() const;
  /// After a transaction: removes what is beside the file but for the way back, which holds
  /// `restore` afterwards; none, if nothing is given. Durable; where all is so already, nothing is
  /// written. Throws Error.
  void settle(const std::optional<std::string>& restore) const;

private:
  std::filesystem::path companion_path(Which which) const;
  Directory here() const;
  std::string content(const Directory& here) const;
  void stage(const Directory& here, Which which, std::string_view content) const;
  FileIdentity take_identity(const Directory& here, Which which) const;
  void keep_identity(const Directory& here, Which which, const FileIdentity& taken) const;
  bool exchange(const Directory& here, Which which, const Digest& expected) const;
  bool close(const Directory& here, Which which) const;
  bool mend(const Directory& here) const;
  std::filesystem::path path_;
};

}  // namespace kongfleet::agent
