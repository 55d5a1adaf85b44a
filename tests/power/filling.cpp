// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/filling.hpp"

#include "proto/error.hpp"
#include "tests/power/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace kongfleet::power {

namespace fs = std::filesystem;

namespace {

// Appends pieces of a size until there is no room for another. How many there were.
std::size_t append_all(int file, const fs::path& path, std::size_t piece) {
  const std::string bytes(piece, 'x');
  for (std::size_t count = 0;; ++count) {
    const auto wrote = ::write(file, bytes.data(), bytes.size());
    if (wrote < 0 && errno != ENOSPC) throw_errno("write", path);
    if (wrote < 0) return count;
  }
}

// False where there is no room for it.
bool make_empty(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.raw < 0 && errno != ENOSPC) throw_errno("create", path);
  return file.raw >= 0;
}

}  // namespace

Filling::Filling(fs::path directory, Scarce scarce) : directory_(std::move(directory)) {
  if (!fs::create_directory(directory_)) throw Error("'" + directory_.string() + "' is there");
  scarce == Scarce::Blocks ? take_blocks() : take_inodes();
}

Filling::~Filling() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

// What is promised for data that waits in memory is settled by a sync; then there may be room
// again.
void Filling::take_blocks() const {
  constexpr int rounds_max = 50;
  const auto path = directory_ / "blocks";
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.raw < 0) throw_errno("create", path);
  for (int round = 0; round < rounds_max; ++round) {
    std::size_t pieces = 0;
    for (const std::size_t piece : {1U << 20, 1U << 16, 1U << 12, 1U}) {
      pieces += append_all(file.raw, path, piece);
    }
    if (pieces == 0) return;
    sync_file_system(directory_);
  }
  throw Error("fill '" + directory_.string() + "': there is always room for another byte");
}

void Filling::take_inodes() const {
  for (std::size_t count = 0; make_empty(directory_ / std::to_string(count)); ++count) continue;
}

}  // namespace kongfleet::power
