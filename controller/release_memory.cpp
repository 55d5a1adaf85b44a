// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/release_memory.hpp"

#include "controller/bundle.hpp"
#include "controller/declined.hpp"
#include "controller/moment.hpp"
#include "controller/state_schema.hpp"

#include <soci/soci.h>

#include <optional>

namespace kongfleet::controller {

namespace {

struct Known {
  bool there = false;
  std::optional<ReleaseConflict> conflict;
};

// Whether NAME@VERSION was released before, and whether with other content.
Known known(soci::session& sql, const std::string& fleet, const Manifest& manifest) {
  ReleaseConflict before;
  before.name = manifest.name().text();
  before.version = manifest.version().text();
  before.digest = manifest.digest().hex();
  sql << "SELECT digest, rollout, at_ms FROM releases"
         " WHERE fleet = :fleet AND name = :name AND version = :version",
      soci::into(before.released_digest), soci::into(before.rollout), soci::into(before.at_ms),
      soci::use(fleet), soci::use(before.name), soci::use(before.version);
  if (!sql.got_data()) return {};
  if (before.digest == before.released_digest) return {.there = true};
  return {.there = true, .conflict = std::move(before)};
}

bool is_known(soci::session& sql, const std::string& fleet, const Manifest& manifest) {
  const auto found = known(sql, fleet, manifest);
  if (!found.conflict) return found.there;
  throw Declined(ReleaseConflict::exit_code, text_of(*found.conflict) + "; nothing was touched");
}

}  // namespace

std::string text_of(const ReleaseConflict& conflict) {
  return conflict.name + "@" + conflict.version + " was released on " + time_text(conflict.at_ms) +
         " by " + conflict.rollout + " with the digest " + conflict.released_digest +
         ", and what its source holds now has the digest " + conflict.digest +
         ": give it a new version";
}

std::vector<ReleaseConflict> ReleaseMemory::conflicts(const std::vector<Release>& releases) {
  std::vector<ReleaseConflict> all;
  database_.look([&](soci::session& sql) {
    for (const auto& release : releases) {
      auto found = known(sql, fleet_, release.manifest);
      if (found.conflict) all.push_back(std::move(*found.conflict));
    }
  });
  return all;
}

void ReleaseMemory::check(const std::vector<Release>& releases) {
  database_.look([&](soci::session& sql) {
    for (const auto& release : releases) is_known(sql, fleet_, release.manifest);
  });
}

void ReleaseMemory::add(soci::session& sql, const std::vector<Release>& releases,
                        const std::string& rollout) {
  const auto now = wall_clock_ms();
  for (const auto& release : releases) {
    const auto name = release.manifest.name().text();
    const auto version = release.manifest.version().text();
    const auto digest = release.manifest.digest().hex();
    const auto bundle = text_of_bytes(sql, bundle_bytes(release));
    if (is_known(sql, fleet_, release.manifest)) {
      sql << "UPDATE releases SET bundle = :bundle"
             " WHERE fleet = :fleet AND name = :name AND version = :version",
          soci::use(bundle), soci::use(fleet_), soci::use(name), soci::use(version);
    } else {
      sql << "INSERT INTO releases (fleet, name, version, digest, rollout, at_ms, bundle)"
             " VALUES (:fleet, :name, :version, :digest, :rollout, :at, :bundle)",
          soci::use(fleet_), soci::use(name), soci::use(version), soci::use(digest),
          soci::use(rollout), soci::use(now), soci::use(bundle);
    }
    sql << "INSERT INTO rollout_releases (rollout, name, version, digest)"
           " VALUES (:rollout, :name, :version, :digest)",
        soci::use(rollout), soci::use(name), soci::use(version), soci::use(digest);
  }
}

void ReleaseMemory::let_go(soci::session& sql) {
  sql << "UPDATE releases SET bundle = '' WHERE fleet = :fleet AND bundle <> '' AND NOT EXISTS"
         " (SELECT 1 FROM rollout_releases r JOIN rollouts o ON o.id = r.rollout"
         " WHERE o.fleet = releases.fleet AND r.name = releases.name"
         " AND r.version = releases.version AND o.state IN ('open', 'paused', 'interrupted'))",
      soci::use(fleet_);
}

std::vector<Release> ReleaseMemory::of_rollout(const std::string& rollout) {
  std::vector<std::string> bundles;
  database_.look([&](soci::session& sql) {
    const soci::rowset<std::string> rows =
        (sql.prepare << "SELECT l.bundle FROM rollout_releases r JOIN releases l"
                        " ON l.name = r.name AND l.version = r.version AND l.fleet = :fleet"
                        " WHERE r.rollout = :rollout ORDER BY r.name",
         soci::use(fleet_), soci::use(rollout));
    for (const auto& bundle : rows) bundles.push_back(bytes_of_text(sql, bundle));
  });
  std::vector<Release> releases;
  for (auto& bundle : bundles) {
    releases.push_back(parse_bundle(bundle, "remembered by rollout '" + rollout + "'"));
  }
  return releases;
}

}  // namespace kongfleet::controller
