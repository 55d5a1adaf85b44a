// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/image_series.hpp"

#include "tests/power/file_system.hpp"

#include <fcntl.h>
#include <sys/syscall.h>

namespace kongfleet::power {

namespace {

// What a call of interest does; empty for any other.
std::string described(const SystemCall& call) {
  switch (call.number) {
    case SYS_fsync:
    case SYS_fdatasync:
      return "sync of " + call.path_of(call.descriptor(0));
    case SYS_rename:
      return "rename to " + call.text(1);
    case SYS_renameat:
      return "rename to " + call.text(3);
    case SYS_renameat2:
      return "exchange with " + call.text(3);
    case SYS_exit_group:
      return "exit";
    default:
      return {};
  }
}

}  // namespace

ImageSeries::ImageSeries(std::filesystem::path image, std::filesystem::path directory)
    : image_(std::move(image)), directory_(std::move(directory)) {}

void ImageSeries::look(const SystemCall& call, std::size_t marks) {
  const auto what = described(call);
  if (what.empty()) return;
  Copy copy{directory_ / std::to_string(copies_.size()),
            (call.entering ? "before " : "after ") + what, marks};
  const auto hash = copy_image(image_, copy.file);
  // The same disk again proves nothing new, unless more is known outside.
  const bool same = !copies_.empty() && hash == last_hash_ && marks == copies_.back().marks;
  if (same) return;
  last_hash_ = hash;
  copies_.push_back(std::move(copy));
}

}  // namespace kongfleet::power
