// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/release_memory.hpp"

#include "controller/bundle.hpp"
#include "controller/declined.hpp"
#include "controller/moment.hpp"

#include <soci/soci.h>

namespace kongfleet::controller {

namespace {

struct Known {
  std::string digest;
  std::string rollout;
  std::int64_t at_ms = 0;
};

// Whether NAME@VERSION was released before. Throws Declined when with other content.
bool is_known(soci::session& sql, const std::string& fleet, const Manifest& manifest) {
  Known known;
  const auto name = manifest.name().text();
  const auto version = manifest.version().text();
  sql << "SELECT digest, rollout, at_ms FROM releases"
         " WHERE fleet = :fleet AND name = :name AND version = :version",
      soci::into(known.digest), soci::into(known.rollout), soci::into(known.at_ms),
      soci::use(fleet), soci::use(name), soci::use(version);
  if (!sql.got_data()) return false;
  const auto digest = manifest.digest().hex();
  if (digest == known.digest) return true;
  throw Declined(5, name + "@" + version + " was released on " + time_text(known.at_ms) + " by " +
                        known.rollout + " with the digest " + known.digest +
                        ", and what its source holds now has the digest " + digest +
                        ": give it a new version; nothing was touched");
}

}  // namespace

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
    const auto bundle = bundle_bytes(release);
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
    for (const auto& bundle : rows) bundles.push_back(bundle);
  });
  std::vector<Release> releases;
  for (auto& bundle : bundles) {
    releases.push_back(parse_bundle(bundle, "remembered by rollout '" + rollout + "'"));
  }
  return releases;
}

}  // namespace kongfleet::controller
