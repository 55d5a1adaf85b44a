// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/transactions.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// A directory of the test's own, gone with the object.
class TempDir {
public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

using Calls = std::vector<std::string>;

/// A Kong that does what the test says, and records what was asked of it. As the real one it is
/// asked by several threads at once (inspect); what else the test sets, it sets while none is.
struct FakeGateway final : Gateway {
  GatewayFacts facts;
  Calls calls;
  std::vector<Finding> findings;                              // of preflight
  std::vector<std::pair<std::string, std::string>> versions;  // likewise
  std::vector<Finding> overriding;
  std::string inspect_problem;  // why Kong can't be found
  std::string reload_problem;
  std::string make_known_problem;
  std::function<Verdict(const Expectation&)> on_verify;  // default: agrees
  std::string still_cause;                         // why a trial no longer holds; empty: it does
  std::string error_log;                           // what Kong logged meanwhile
  std::function<bool(const ProbeSpec&)> on_probe;  // default: good
  std::function<void(ProbeOutcome&)> after_probe;  // what else is so of it
  std::function<void()> on_preflight;              // what else happens then
  std::function<void()> on_reload;                 // and then
  std::function<void()> on_clear;                  // before a smoke test's entities are removed
  bool drains = false;
  /// The next reload is rejected, and everything after it is well.
  void reject_once(const std::string& cause);
  int looks_until_running = 0;  // Kong is away for so many looks
  int looks_until_gone = 0;     // it is stopping for so many looks
  int ways_made = 0;            // so often it was told to make way for a start

  GatewayFacts inspect() override;
  void make_way(const GatewayFacts&) noexcept override { ++ways_made; }
  PreflightReport preflight(const GatewayFacts&, const std::filesystem::path&,
                            const std::filesystem::path&,
                            std::chrono::steady_clock::time_point) override;
  std::vector<Finding> overrides(const GatewayFacts&) override { return overriding; }
  NodeDetails detailed;
  NodeDetails details(const GatewayFacts&, const std::filesystem::path&,
                      const std::set<std::string>&) override {
    return detailed;
  }
  std::string make_known(ConfigurationKind, std::chrono::steady_clock::time_point) override;
  ProcessId master{1, 1};
  Snapshot snapshot(const GatewayFacts&) override { return {.master = master}; }
  std::string reload(const GatewayFacts&, std::chrono::steady_clock::time_point) override;
  Verdict verify(const GatewayFacts&, const Snapshot&, const Expectation& expected) override;
  Verdict still(const GatewayFacts&, const Snapshot&, const Expectation&) override;
  ProbeOutcome probe(const ProbeSpec& probe, std::chrono::steady_clock::time_point) override;
  std::vector<Finding> objections;              // to smoke tests
  std::function<void(ProbeOutcome&)> on_smoke;  // default: passed
  std::atomic<int> litter = 0;                  // so many looks until it is gone
  std::vector<Finding> smoke_objections(const GatewayFacts&, const ProbeSpec& probe,
                                        std::chrono::steady_clock::time_point) override;
  ProbeOutcome smoke(const GatewayFacts&, const ProbeSpec& probe,
                     std::chrono::steady_clock::time_point) override;
  bool clear_smoke(const GatewayFacts&) noexcept override;
  std::size_t draining(const GatewayFacts&) override { return drains ? 1 : 0; }

private:
  std::mutex facts_mutex_;
};

/// An agent on a host of its own: a temporary kong.conf and state, a Kong that is a FakeGateway,
/// and the verbs of a controller. Releases are my-plugin at a version; their handler says which.
class AgentFixture {
public:
  explicit AgentFixture(const std::string& conf = "log_level = notice\nplugins = bundled\n");
  ~AgentFixture();

  /// The agent's process dies and starts again: memory is gone, the disk stays.
  void restart(Witness witness = Witness::AfterDeath);
  Outcome recovered;  // what the last start found to do

  /// Proposes, sends, applies; up to the trial. `lease` as short as the test needs it.
  Transactions::Reply apply(const std::string& version, const std::string& transaction = "t",
                            std::chrono::milliseconds lease = std::chrono::minutes(10));
  std::vector<ProbeSpec> probes;  // that apply() orders
  /// apply() and confirm().
  Result deploy(const std::string& version);
  Result result(const Transactions::Reply& reply) const;
  std::string conf() const;  // the managed file: kong.conf, if the test says nothing else
  void edit_conf(const std::string& text) const;
  /// The version of my-plugin in the generation that kong.conf names; empty for none.
  std::string named_version() const;
  Manifest release(const std::string& version) const;
  /// What a file of a release above holds.
  std::string content_of(const ManifestFile& file) const;
  /// Journal empty, kong.conf names a complete generation or none: what must hold whenever nothing
  /// is under way.
  void check_at_rest() const;

  TempDir directory;
  Config config;
  FakeGateway gateway;
  std::unique_ptr<Transactions> transactions;

private:
  int applied_ = 0;
};

}  // namespace kongfleet::agent
