// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/files.hpp"

#include "proto/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace kongfleet::power {

namespace fs = std::filesystem;

Descriptor::~Descriptor() {
  if (raw >= 0) ::close(raw);
}

void put_file(const fs::path& path, std::string_view content) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.raw < 0) throw_errno("create", path);
  while (!content.empty()) {
    const auto wrote = ::write(file.raw, content.data(), content.size());
    if (wrote < 0) throw_errno("write", path);
    content.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

struct stat look_at(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) throw_errno("look at", path);
  return info;
}

void sync_file_system(const fs::path& path) {
  const Descriptor place(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (place.raw < 0) throw_errno("open", path);
  if (::syncfs(place.raw) != 0) throw_errno("sync the file system of", path);
}

fs::path build_directory() { return fs::read_symlink("/proc/self/exe").parent_path(); }

ScratchDirectory::ScratchDirectory(const std::string& purpose) {
  auto name = (fs::canonical(fs::temp_directory_path()) / (purpose + "-XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) throw_errno("make a directory", name);
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace kongfleet::power
