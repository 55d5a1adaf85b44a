// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/tree_print.hpp"

#include "proto/digest.hpp"
#include "proto/error.hpp"

#include <sys/stat.h>

#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace kongfleet::hostile {

namespace {

std::string print_of_one(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) throw_errno("look at", path);
  auto text = std::to_string(status.st_mode) + " " + std::to_string(status.st_uid) + " " +
              std::to_string(status.st_gid) + " inode " + std::to_string(status.st_ino) +
              " changed " + std::to_string(status.st_mtim.tv_sec) + "." +
              std::to_string(status.st_mtim.tv_nsec);
  if (!S_ISREG(status.st_mode)) return text;
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  return text + " size " + std::to_string(status.st_size) + " " + sha256(content).brief();
}

}  // namespace

TreePrint print_of(const fs::path& root) {
  TreePrint print{{root.string(), print_of_one(root)}};
  for (const auto& entry : fs::recursive_directory_iterator(root))
    print[entry.path().string()] = print_of_one(entry.path());
  return print;
}

std::string difference(const TreePrint& before, const TreePrint& after) {
  std::string text;
  for (const auto& [path, print] : before) {
    const auto found = after.find(path);
    if (found == after.end()) text += "gone: " + path + "; ";
    if (found != after.end() && found->second != print)
      text += "changed: " + path + " (" + print + " -> " + found->second + "); ";
  }
  for (const auto& [path, print] : after)
    if (!before.contains(path)) text += "new: " + path + "; ";
  return text;
}

}  // namespace kongfleet::hostile
