// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ansible_vars_files.hpp"

#include "controller/ansible_yaml.hpp"
#include "controller/ssh_file.hpp"
#include "proto/error.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

namespace kongfleet::controller {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t file_max = std::size_t{16} << 20;  // 100,000 hosts, each on its line
constexpr std::size_t levels_max = 16;                   // of directories in group_vars
constexpr std::array<std::string_view, 4> endings = {"", ".yml", ".yaml", ".json"};

using Set = std::function<void(const std::string& variable, InventoryValue value)>;

bool is_hidden(const std::string& name) { return name.starts_with('.') || name.ends_with('~'); }

void collect(const fs::path& directory, std::size_t level, std::vector<fs::path>& files) {
  if (level == levels_max) throw Error("read '" + directory.string() + "': too deep a directory");
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(directory)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  for (const auto& entry : entries) {
    if (is_hidden(entry.filename().string())) continue;
    if (fs::is_directory(entry)) {
      collect(entry, level + 1, files);
    } else if (std::find(endings.begin(), endings.end(), entry.extension().string()) !=
               endings.end()) {
      files.push_back(entry);
    }
  }
}

// The files that `name` has in `directory`: of all endings the first that is there.
std::vector<fs::path> files_of(const fs::path& directory, const std::string& name) {
  std::vector<fs::path> files;
  if (name.find('/') != std::string::npos || name == "." || name == "..") return files;
  for (const auto ending : endings) {
    const auto path = directory / (name + std::string(ending));
    if (!fs::exists(path)) continue;
    if (fs::is_directory(path)) {
      collect(path, 0, files);
    } else {
      files.push_back(path);
    }
    break;
  }
  return files;
}

void read(const fs::path& directory, const std::string& name, AnsibleData& data, const Set& set) {
  for (const auto& file : files_of(directory, name)) {
    const auto text = read_inventory_file(file);
    if (text.starts_with("$ANSIBLE_VAULT")) {
      data.note(file.string() + ": is encrypted; what it says of hosts is not known");
      continue;
    }
    read_ansible_variables(text, file.string(), set);
  }
}

}  // namespace

std::string read_inventory_file(const fs::path& path) {
  auto text = read_whole_file(path, "read inventory", file_max);
  if (!text) throw Error("read inventory '" + path.string() + "': there is no such file");
  return std::move(*text);
}

void read_variable_files(const fs::path& directory, AnsibleData& data) try {
  const auto groups = directory / "group_vars";
  if (fs::is_directory(groups)) {
    for (const auto& group : data.group_names()) {
      read(groups, group, data, [&](const std::string& variable, InventoryValue value) {
        data.set_group_file_variable(group, variable, std::move(value));
      });
    }
  }
  const auto hosts = directory / "host_vars";
  if (fs::is_directory(hosts)) {
    for (const auto& host : data.host_names()) {
      read(hosts, host, data, [&](const std::string& variable, InventoryValue value) {
        data.set_host_file_variable(host, variable, std::move(value));
      });
    }
  }
} catch (const fs::filesystem_error& error) {
  throw Error("read '" + error.path1().string() + "': " + error.code().message());
}

}  // namespace kongfleet::controller
