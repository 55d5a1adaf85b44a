// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/scratch.hpp"

#include <string>
#include <vector>

namespace kongfleet::agent {

namespace fs = std::filesystem;

namespace {

// "p-XXXXXX" is made by ScratchDirectory, "NAME.new" by replace_file; "candidate.conf" was by
// agents before that.
constexpr std::size_t scratch_name_size = 8;

bool is_scratch(const std::string& name) {
  return (name.starts_with("p-") && name.size() == scratch_name_size) || name == "candidate.conf" ||
         name.ends_with(".new");
}

}  // namespace

void sweep_scratch(const fs::path& state) {
  std::error_code failed;
  std::vector<fs::path> doomed;
  for (const auto& entry : fs::directory_iterator(state, failed)) {
    if (is_scratch(entry.path().filename().string())) doomed.push_back(entry.path());
  }
  for (const auto& path : doomed) fs::remove_all(path, failed);
}

}  // namespace kongfleet::agent
