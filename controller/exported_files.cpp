// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/exported_files.hpp"

#include "controller/durable_file.hpp"
#include "proto/error.hpp"

#include <set>

namespace kongfleet::controller {

namespace {

namespace fs = std::filesystem;

constexpr auto everybody_reads = static_cast<fs::perms>(0755);

void refuse_company(const fs::path& directory, const ExportedFiles& exported) {
  std::set<fs::path> ours;
  for (const auto& file : exported.files) {
    for (fs::path path = file.path; !path.empty(); path = path.parent_path()) {
      ours.insert(directory / path);
    }
  }
  if (!fs::exists(directory)) return;
  for (const auto& found : fs::recursive_directory_iterator(directory)) {
    if (ours.count(found.path()) != 0 && !found.is_symlink()) continue;
    throw Error("'" + directory.string() + "' holds '" +
                printable(found.path().lexically_relative(directory).string(), 300) +
                "', which would become part of the export; name an empty directory, or a new one");
  }
}

void make_directories(const fs::path& root, const fs::path& path) {
  fs::create_directories(root);
  fs::path made = root;
  for (const auto& part : path) {
    made /= part;
    fs::create_directory(made);
    fs::permissions(made, everybody_reads);
  }
}

}  // namespace

void write_exported(const std::filesystem::path& directory, const ExportedFiles& exported) {
  try {
    if (exported.alone) refuse_company(directory, exported);
    for (const auto& file : exported.files) {
      const auto path = directory / file.path;
      make_directories(directory, fs::path(file.path).parent_path());
      replace_file(path, file.content, Readers::All);
      fs::permissions(path, static_cast<fs::perms>(file.mode));
    }
  } catch (const fs::filesystem_error& error) {
    throw Error("write '" + directory.string() + "': " + error.code().message());
  }
}

}  // namespace kongfleet::controller
