// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace kongfleet::power {

/// What a file system has none left of.
enum class Scarce { Blocks, Inodes };

/// Takes all that is free of a file system, as files in a directory of their own, until it is gone.
class Filling {
public:
  /// `directory` must not be there. Throws Error when something is still free afterwards.
  Filling(std::filesystem::path directory, Scarce scarce);
  ~Filling();
  Filling(const Filling&) = delete;
  Filling& operator=(const Filling&) = delete;

private:
  void take_blocks() const;
  void take_inodes() const;
  std::filesystem::path directory_;
};

}  // namespace kongfleet::power
