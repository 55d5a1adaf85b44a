// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// careless-writer FORGETS FILE TEXT: replaces what a file holds, as a program does that cares
// ("nothing"), or one that forgets to sync the "file" or the "directory": what the model of power
// loss must tell apart.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

namespace {

bool sync_directory(const std::filesystem::path& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY);
  return directory >= 0 && ::fsync(directory) == 0;
}

bool replace(const std::string& forgets, const std::filesystem::path& path,
             const std::string& text) {
  const auto temporary = path.string() + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (file < 0) return false;
  if (::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return false;
  if (forgets != "file" && ::fsync(file) != 0) return false;
  if (::rename(temporary.c_str(), path.c_str()) != 0) return false;
  return forgets == "directory" || sync_directory(path.parent_path());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && replace(argv[1], argv[2], argv[3])) return 0;
  std::perror("careless-writer");
  return 1;
}
