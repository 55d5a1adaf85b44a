// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/config.hpp"
#include "agent/finding.hpp"
#include "agent/release_trust.hpp"
#include "proto/manifest.hpp"

#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// What a controller wants a host to run: releases, and a signature for each (empty: unsigned).
struct Proposal {
  std::vector<Manifest> releases;
  std::vector<std::string> signatures;  // as many, or none at all
};

/// A release whose signature was checked, and whose it is.
struct TrustedRelease {
  Manifest release;
  ReleaseSigner signer;
};

/// For the log: "accepted my-plugin@1.0.0, signed by ci@example.net with ssh-ed25519 SHA256:…".
std::string acceptance_text(const TrustedRelease& trusted);

/// Whether a proposal may be staged, and what is to be remembered once it is confirmed.
struct TrustVerdict {
  std::vector<Finding> refusals;  // code "trust"
  std::vector<Finding> warnings;
  std::vector<TrustedRelease> accepted;  // signed, checked, and new here
  std::vector<Manifest> releases;        // what was proposed, in the terms that hold here
};

/// [trust] of agent.toml: who may bring new code to this host. Files are read anew for every
/// proposal, so that a key taken away counts at once. A release that this host runs, confirmed, is
/// not asked for its signature again: it is here already, and may outlive its key and its expiry;
/// unless it would no longer run beside the releases it was signed to run with. Its terms stay
/// those with which it was accepted, whatever the proposal says, but where it comes well signed
/// anew.
///
///     signatures = "required"  every release has to be signed
///                  "optional"  one that is signed has to be signed well, where there is a file of
///                              allowed signers
///                  "off"       signatures are not looked at
class Trust {
public:
  /// `config` must outlive it.
  explicit Trust(const Config& config) : config_(config), file_(config.state / "accepted.json") {}

  /// `running`: what the host runs, confirmed. `now`: its clock. Writes nothing.
  TrustVerdict judge(const Proposal& proposal, const std::vector<Manifest>& running,
                     std::time_t now) const;

  /// Why no signature could be checked here, whatever it is; empty: one could, or none is looked
  /// at. For a check-up.
  std::string problem() const;

  /// They are about to be confirmed: from now on nothing older is taken. Durable when it returns;
  /// throws Error. `releases`: those of TrustVerdict::accepted.
  void accept(const std::vector<TrustedRelease>& releases, std::time_t now) const;

private:
  const Config& config_;
  std::filesystem::path file_;
};

}  // namespace kongfleet::agent
