// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/host.hpp"
#include "agent/trust.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// What a release change looks like to people.
struct ReleaseMove {
  std::string name;
  std::string from;  // version; empty: new here
  std::string to;    // version; empty: leaves
};

/// What would change on this host, or why nothing may. Made once; Apply carries it out as it
/// stands.
struct HostPlan {
  std::string id;                       // of the state it was made for
  std::vector<Manifest> releases;       // all that shall run
  std::vector<std::string> signatures;  // of the releases, as they were proposed
  GenerationId generation;              // where it goes; number 0: the baseline
  bool unchanged = false;
  bool existing = false;              // the generation is kept already: nothing is to be built
  bool returns = false;               // to a generation confirmed before
  std::vector<ManifestFile> missing;  // contents to receive, in this order
  std::uint64_t missing_bytes = 0;
  std::vector<LineDiff> conf;
  std::string conf_path;
  std::vector<ReleaseMove> moves;
  std::vector<Finding> refusals;
  std::vector<Finding> warnings;
  std::vector<TrustedRelease> accepted;  // of the releases, those whose signatures were checked
  std::string poison;                    // why this generation failed here before; empty: it didn't
  Survey survey;                         // what it was made from
  std::string next_conf;                 // whole kong.conf: as it shall be,
  std::string restore_conf;              // and as the way back leaves it
  std::string next_path, next_plugins;   // effective values of the first
};

/// Plans the move of this host to `releases`. Reads only.
HostPlan plan_releases(const Host& host, const GenerationStore& store, const Config& config,
                       const HostRecord& record, std::vector<Manifest> releases);

/// Plans the move to a generation that is kept, or to the baseline (0). Throws Error where it isn't
/// kept or is damaged.
HostPlan plan_return(const Host& host, const GenerationStore& store, const Config& config,
                     const HostRecord& record, std::uint64_t generation);

/// Names the state a plan was made for: confirmed generation, kong.conf's content, where it goes.
std::string plan_id(const HostRecord& record, const std::string& conf_text,
                    const Digest& target_digest);

}  // namespace kongfleet::agent
