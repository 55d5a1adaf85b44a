// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/power/traced_program.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::power {

/// Copies of a mounted image: what its disk held before and after each sync, rename and exit of a
/// program. To be read once the program has ended.
class ImageSeries {
public:
  struct Copy {
    std::filesystem::path file;
    std::string moment;     // "after fsync of kong.conf"
    std::size_t marks = 0;  // of the recording, that had been made
  };
  /// Puts the copies into `directory`, which must be there.
  ImageSeries(std::filesystem::path image, std::filesystem::path directory);
  /// Takes one if the call is of that kind, and the image has changed since the last.
  void look(const SystemCall& call, std::size_t marks);
  const std::vector<Copy>& copies() const { return copies_; }

private:
  std::filesystem::path image_;
  std::filesystem::path directory_;
  std::vector<Copy> copies_;
  std::size_t last_hash_ = 0;
};

}  // namespace kongfleet::power
