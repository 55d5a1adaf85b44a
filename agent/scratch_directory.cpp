// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/scratch_directory.hpp"

#include "agent/durable_file.hpp"
#include "proto/error.hpp"

#include <unistd.h>

#include <cstdlib>

namespace kongfleet::agent {

ScratchDirectory::ScratchDirectory(const fs::path& parent) {
  std::string name = (parent / "p-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw_errno("make a directory in", parent);
  path_ = name;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path ScratchDirectory::write(const std::string& name, std::string_view text) const {
  const auto file = path_ / name;
  write_all(create_file(file, 0600), text, file);
  return file;
}

fs::path ScratchDirectory::make_directory(const std::string& name) const {
  const auto directory = path_ / name;
  fs::create_directory(directory);
  return directory;
}

void ScratchDirectory::give_to(const UnixUser& user) const {
  const auto give = [&](const fs::path& path) {
    if (::lchown(path.c_str(), user.uid, user.gid) != 0) throw_errno("change the owner of", path);
  };
  // Itself last: until then nobody else can put anything in.
  for (const auto& entry : fs::recursive_directory_iterator(path_)) give(entry.path());
  give(path_);
}

}  // namespace kongfleet::agent
