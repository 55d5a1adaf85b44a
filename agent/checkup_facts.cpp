// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/checkup_facts.hpp"

#include "agent/host_paths.hpp"
#include "agent/live_file.hpp"
#include "agent/obstacle.hpp"
#include "agent/unix_user.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace kongfleet::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t needed_besides = std::uint64_t{1} << 20;  // kong.conf, Kong's own files
constexpr mode_t permission_bits = 07777;
constexpr int entries_max = 50'000;  // of a generation; more are no plugins

PlaceFacts place_at(const fs::path& path) {
  PlaceFacts place{.path = path};
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return place;
  place.there = true;
  place.owner = info.st_uid;
  place.group = info.st_gid;
  place.mode = info.st_mode & permission_bits;
  return place;
}

/// The first thing in there that others may write, if there is one.
std::optional<PlaceFacts> exposed_in(const fs::path& directory, uid_t self) {
  std::error_code error;
  int seen = 0;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    const auto place = place_at(at->path());
    const bool link = fs::is_symlink(at->symlink_status(error));
    if (place.there && !link && !ours_alone(place, self)) return place;
    if (++seen >= entries_max) break;
  }
  return std::nullopt;
}

std::optional<SpaceFacts> space_at(const fs::path& path, std::uint64_t needed) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return std::nullopt;
  SpaceFacts space{.path = path, .needed = needed};
  space.free_bytes = std::uint64_t{info.f_bavail} * info.f_frsize;
  if (info.f_files != 0) space.free_inodes = info.f_favail;
  return space;
}

void look_at_disk(CheckupFacts& facts, const CheckupParts& parts, const fs::path& generation) {
  const auto& config = parts.config;
  for (const auto& path : {config.state, parts.store.root()}) facts.state.push_back(place_at(path));
  const auto exposed = generation.empty() ? std::nullopt : exposed_in(generation, facts.self);
  if (exposed) facts.state.push_back(*exposed);
  facts.socket = place_at(config.socket);
  facts.socket_group_name = config.group;
  const HostPaths paths;
  facts.socket_group = UnixUsers(paths.passwd, paths.group).group(config.group);
  facts.signatures = config.signatures;
  facts.signers = place_at(config.allowed_signers);
  facts.trust_problem = parts.trust.problem();
  facts.now = std::time(nullptr);
  if (const auto space = space_at(config.state, config.reserve)) facts.spaces.push_back(*space);
}

void look_at_kong(CheckupFacts& facts, const CheckupParts& parts, const HostRecord& record,
                  const fs::path& generation, const std::set<std::string>& plugins) {
  auto seen = parts.host.survey(record);
  facts.node = std::move(seen.facts);
  facts.drift = std::move(seen.drift);
  facts.overrides = parts.gateway.overrides(facts.node);
  facts.details = parts.gateway.details(facts.node, generation, plugins);
  try {
    facts.baseline = parts.host.baseline();
  } catch (const std::exception&) {  // who would go back to it is told so then
    facts.baseline.reset();
  }
  if (facts.node.manageable())
    facts.conf_obstacle = obstacle_to_replace(LiveFile(facts.node.managed_path()).path());
  for (const auto& path : {facts.node.managed_path().parent_path(), facts.node.prefix})
    if (const auto space = space_at(path, needed_besides)) facts.spaces.push_back(*space);
}

}  // namespace

CheckupFacts checkup_facts(const CheckupParts& parts, const HostRecord& record,
                           const std::set<std::string>& plugins) {
  CheckupFacts facts;
  facts.self = ::geteuid();
  const auto id = record.committed == 0 ? std::nullopt : parts.store.find(record.committed);
  const auto generation = id ? parts.store.directory(*id) : fs::path();
  look_at_disk(facts, parts, generation);
  try {
    if (id) facts.releases = parts.store.releases(*id);
  } catch (const std::exception&) {  // a manifest that can't be read is drift, and told as that
    facts.releases.clear();
  }
  try {
    look_at_kong(facts, parts, record, generation, plugins);
  } catch (const std::exception& error) {
    facts.unmanageable = error.what();
  }
  return facts;
}

}  // namespace kongfleet::agent
