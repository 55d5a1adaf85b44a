// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/baseline.hpp"
#include "agent/config.hpp"
#include "agent/gateway.hpp"
#include "agent/generation_store.hpp"
#include "agent/journal.hpp"
#include "agent/kong_conf_edit.hpp"
#include "agent/outcome.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// What a look at this host and its Kong found.
struct Survey {
  GatewayFacts facts;
  std::string conf_text;           // the managed file, whole; empty where there is none
  std::vector<Manifest> releases;  // of the confirmed generation
  bool known = false;              // whether they could be read
  std::vector<std::string> drift;  // one sentence each
};

/// This host as the agent sees it: what is kept, what is confirmed, what kong.conf should say.
/// Reads only, except for `adopt`. Bound to the objects it is made of, which must outlive it.
class Host {
public:
  Host(const Config& config, Gateway& gateway, const GenerationStore& store);

  /// Looks at everything. Throws Error with advice where Kong can't be found or managed.
  Survey survey(const HostRecord& record) const;
  /// survey() for people: an error becomes the state "unmanageable".
  HostState state(const HostRecord& record) const;

  /// The managed file's text with the generation's part in it instead of whatever part of ours it
  /// has now. `generation` 0 is the baseline. `releases`: those of that generation.
  std::variant<Edited, ConfProblem> edit_for(const std::string& text, const GatewayFacts& facts,
                                             std::uint64_t generation,
                                             const std::vector<Manifest>& releases) const;
  /// The releases of a kept generation; none for the baseline. Throws Error where it isn't kept.
  std::vector<Manifest> releases_of(std::uint64_t generation) const;

  /// Remembers the baseline before kong.conf is changed from it: what the file says while
  /// generation 0 is the confirmed one. Returns whether it was another before.
  bool adopt(const HostRecord& record, const Survey& survey) const;
  /// What was remembered, or nothing where nothing ever was. Throws Error.
  std::optional<Baseline> baseline() const { return load_baseline(baseline_path()); }
  /// All text on this host that may name a generation: the managed file, and kong.conf.
  std::string configuration_text(const GatewayFacts& facts) const;
  /// Leaves beside the managed file what a later way back needs (LiveFile), and nothing else.
  /// Writes nothing where all is so already. Throws Error.
  void settle(const HostRecord& record, const GatewayFacts& facts) const;

private:
  std::vector<std::string> drift(const HostRecord& record, const Survey& seen) const;
  void find_shadow(const HostRecord& record, const Survey& seen,
                   std::vector<std::string>& found) const;
  std::vector<std::string> plugins_of_ours(const std::string& text,
                                           const GatewayFacts& facts) const;
  std::filesystem::path baseline_path() const { return config_.state / "baseline.json"; }

  const Config& config_;
  Gateway& gateway_;
  const GenerationStore& store_;
};

}  // namespace kongfleet::agent
