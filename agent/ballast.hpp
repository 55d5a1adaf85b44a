// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace kongfleet::agent {

/// Space and names put aside while there are enough, for a way back on a full disk: eight files of
/// 256 KiB in a directory of their own. Our own part of the way back needs none of it, but `kong
/// prepare` writes Kong's prefix anew, and an edit that a person made meanwhile has to be merged
/// into a new file. Helps the file system it lies on, no other. Never throws: without it the way
/// back is tried all the same.
class Ballast {
public:
  explicit Ballast(std::filesystem::path directory);
  /// Puts aside what is missing, where plenty is free; writes nothing where nothing is missing.
  void fill() const noexcept;
  /// True where so little is free that a way back may need what was put aside.
  bool scarce() const noexcept;
  /// Gives it back to the file system, at once.
  void drop() const noexcept;

private:
  std::filesystem::path directory_;
};

}  // namespace kongfleet::agent
