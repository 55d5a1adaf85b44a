// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rock_source.hpp"
#include "controller/rockspec.hpp"
#include "controller/zip_file.hpp"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/memory_file.hpp"

#include <algorithm>

using namespace kongfleet;
using namespace kongfleet::controller;
using namespace kongfleet::fuzz;

namespace {

void look_at_file(const TreeFile& file) {
  require(why_bad_path(file.path).empty(), "a release can hold the file's path");
  require(file.mode == 0644 || file.mode == 0755, "modes are those two");
}

std::vector<TreeFile> unzipped(const MemoryFile& archive) {
  std::vector<TreeFile> files;
  read_zip(archive.path(), [&](TreeFile file) {
    look_at_file(file);
    files.push_back(std::move(file));
  });
  return files;
}

}  // namespace

// Nothing in an archive leads out of it; one that was read is, written again, read as the same.
int kongfleet_fuzz_rock(const std::uint8_t* data, std::size_t size) {
  const MemoryFile archive({reinterpret_cast<const char*>(data), size});
  may_refuse([&] {
    const auto files = unzipped(archive);
    if (files.empty()) return;
    const auto again = unzipped(MemoryFile(zip_of(files)));
    const auto same = [](const TreeFile& a, const TreeFile& b) {
      return a.path == b.path && a.mode == b.mode && a.content == b.content;
    };
    require(std::equal(files.begin(), files.end(), again.begin(), again.end(), same),
            "an archive goes there and back");
  });
  may_refuse([&] {
    const auto tree = read_rock(archive.path());
    require(!tree.files.empty(), "a rock has files");
    for (const auto& file : tree.files) look_at_file(file);
  });
  return 0;
}

// It is read and not run; no file that it names lies beyond its directory.
int kongfleet_fuzz_rockspec(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  may_refuse([&] {
    const auto spec = read_rockspec(text, "acme-1.2-1.rockspec");
    require(!spec.files.empty(), "a rockspec has files");
    for (const auto& file : spec.files) {
      require(why_bad_path(file.from).empty(), "a file lies in the rockspec's directory");
      require(why_bad_path(file.to).empty(), "a release can hold the file's path");
    }
  });
  may_refuse([&] { static_cast<void>(needs_of_rockspec(text, "acme-1.2-1.rockspec")); });
  return 0;
}
