// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/power/call_stack.hpp"
#include "tests/power/recording.hpp"
#include "tests/power/traced_program.hpp"

#include <mutex>
#include <set>

namespace kongfleet::power {

/// Turns the system calls of traced programs into what they did to a disk, which nobody else
/// writes to. Extended attributes are not recorded. Thread-safe.
class Recorder {
public:
  /// `wrappers`: functions that do nothing but sync; the place in the code is where they are
  /// called.
  Recorder(const Disk& disk, std::vector<std::string> wrappers);

  /// Takes in what a program did.
  void see(const SystemCall& call);
  /// Does to a file what a person's editor does: replaces it by a copy with another content and
  /// mode, which lasts.
  void edit(const std::filesystem::path& file, const std::string& content, mode_t mode);
  /// Adds to a file in place, as a person does who does not wait for the disk.
  void append(const std::filesystem::path& file, const std::string& text);
  /// Takes a file or a directory with all that is in it away, as a person does; that lasts too.
  void remove(const std::filesystem::path& path);
  /// Adds a mark.
  void mark(const std::string& text);
  std::size_t marks() const;
  /// What was recorded. Throws Error when the directory does not hold what the record says: then
  /// something was done to it that was not understood.
  Recording take();

private:
  using Path = std::filesystem::path;
  std::optional<Path> inside(const Path& path) const { return recording_.disk.inside(path); }
  std::optional<Path> file_of(const SystemCall& call, std::size_t index) const;
  Inode need(const Path& path) const;
  void change(DiskChange change);
  void returned(const SystemCall& call);
  void opened(const SystemCall& call, std::uint64_t flags);
  void made(const Path& path, bool is_directory);
  void removed(const Path& path);
  void linked(const Path& old, const Path& fresh);
  void renamed(const Path& from, const Path& to, std::uint64_t flags);
  void wrote(const Path& path, std::uint64_t offset, std::string bytes);
  void resized(const Path& path, std::uint64_t size);
  void protect(const Path& path);
  void cloned(const SystemCall& call);
  void synced(const SystemCall& call);
  std::string site(const SystemCall& call, const Path& path);

  mutable std::mutex mutex_;
  std::vector<std::string> wrappers_;
  Recording recording_;
  DiskTree now_;  // as the programs see it
  std::size_t marks_ = 0;
  std::set<Inode> linked_;  // those that ever had two names at once
  CallStack stack_;
};

}  // namespace kongfleet::power
