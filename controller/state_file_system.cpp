// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/state_file_system.hpp"

#include "proto/names.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>

namespace kongfleet::controller {

namespace {

// As in <linux/magic.h> and the kernel's sources, which has more of them than the header.
constexpr std::array<std::pair<std::int64_t, const char*>, 9> shared_types = {{
    {0x6969, "NFS"},
    {0x517B, "SMB"},
    {0xFE534D42, "SMB"},
    {0xFF534D42, "CIFS"},
    {0x5346414F, "AFS"},
    {0x00C36400, "Ceph"},
    {0x01021997, "9P"},
    {0x01161970, "GFS2"},
    {0x7461636F, "OCFS2"},
}};
constexpr std::size_t command_max = 100;

std::string command_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/cmdline");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  while (text.ends_with('\0')) text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text.empty() ? "" : " (" + printable(text, command_max) + ")";
}

// "08:01:131090", as /proc/locks names a file; empty where there is none.
std::string lock_name(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return "";
  char text[64];
  std::snprintf(text, sizeof text, "%02x:%02x:%lu", major(status.st_dev), minor(status.st_dev),
                status.st_ino);
  return text;
}

}  // namespace

std::optional<std::string> shared_file_system(std::int64_t type) {
  for (const auto& [known, name] : shared_types) {
    if (known == type) return name;
  }
  return std::nullopt;
}

std::int64_t file_system_type(const std::filesystem::path& file) {
  struct statfs status {};
  if (::statfs(file.c_str(), &status) == 0) return static_cast<std::uint32_t>(status.f_type);
  const auto directory = file.has_parent_path() ? file.parent_path() : ".";
  if (::statfs(directory.c_str(), &status) == 0) return static_cast<std::uint32_t>(status.f_type);
  return 0;
}

// "1: POSIX  ADVISORY  WRITE 12345 08:01:131090 120 120". In WAL mode writers lock the -shm file.
std::string who_locks(const std::filesystem::path& database) {
  const auto names = {lock_name(database.string()), lock_name(database.string() + "-shm")};
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, manner, type, process, file;
    words >> number >> kind >> manner >> type >> process >> file;
    const bool ours = std::find(names.begin(), names.end(), file) != names.end();
    if (!ours || type != "WRITE" || process == std::to_string(::getpid())) continue;
    if (process.empty() || process.front() < '1' || process.front() > '9') continue;
    return "process " + process + command_of(process);
  }
  return "";
}

}  // namespace kongfleet::controller
