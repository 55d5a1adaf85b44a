// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/child_process.hpp"
#include "agent/config.hpp"
#include "agent/gateway.hpp"
#include "agent/host_paths.hpp"
#include "agent/http_client.hpp"
#include "agent/kong_admin.hpp"
#include "agent/kong_processes.hpp"
#include "agent/kong_secrets.hpp"
#include "agent/kong_settings.hpp"
#include "agent/kong_unit.hpp"
#include "agent/preflight.hpp"
#include "agent/scratch_directory.hpp"
#include "agent/unit_commands.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// The Kong of this host, for real: processes, files, systemd or Kong's own command, Admin and
/// Status API. Thread-safe: nothing is kept between calls but the version of Kong's command, found
/// again when that changes, and what was seen of the processes while the last reload was asked for.
class KongNode final : public Gateway {
public:
  explicit KongNode(const Config& config, HostPaths paths = {});

  GatewayFacts inspect() override;
  PreflightReport preflight(const GatewayFacts& facts, const std::filesystem::path& candidate,
                            const std::filesystem::path& generation,
                            std::chrono::steady_clock::time_point deadline) override;
  std::vector<Finding> overrides(const GatewayFacts& facts) override;
  NodeDetails details(const GatewayFacts& facts, const std::filesystem::path& generation,
                      const std::set<std::string>& plugins) override;
  void make_way(const GatewayFacts& facts) noexcept override;
  std::string make_known(ConfigurationKind kind,
                         std::chrono::steady_clock::time_point deadline) override;
  Snapshot snapshot(const GatewayFacts& facts) override;
  std::string reload(const GatewayFacts& facts,
                     std::chrono::steady_clock::time_point deadline) override;
  Verdict verify(const GatewayFacts& facts, const Snapshot& before,
                 const Expectation& expected) override;
  Verdict still(const GatewayFacts& facts, const Snapshot& before,
                const Expectation& expected) override;
  ProbeOutcome probe(const ProbeSpec& probe,
                     std::chrono::steady_clock::time_point deadline) override;
  std::vector<Finding> smoke_objections(const GatewayFacts& facts, const ProbeSpec& probe,
                                        std::chrono::steady_clock::time_point deadline) override;
  ProbeOutcome smoke(const GatewayFacts& facts, const ProbeSpec& probe,
                     std::chrono::steady_clock::time_point deadline) override;
  bool clear_smoke(const GatewayFacts& facts) noexcept override;
  std::size_t draining(const GatewayFacts& facts) override;

private:
  using Time = std::chrono::steady_clock::time_point;
  std::filesystem::path find_binary() const;
  std::string version_of(const std::filesystem::path& binary);
  /// The units that may own Kong, and the one of them that does own that master process (0: none
  /// runs), or nullptr.
  std::vector<KongUnit> units() const;
  const KongUnit* owner_of(int master, const std::vector<KongUnit>& units) const;
  std::filesystem::path prefix_in(const GatewayFacts& facts,
                                  const std::vector<KongUnit>& units) const;
  std::filesystem::path directory_of(const std::optional<KongMaster>& master, bool by_unit) const;
  /// GatewayFacts::admin_outer of such a URL.
  std::string outer_address(const std::string& url) const;
  /// Asks the Admin API of the Kong of that master process, and fills in what it tells.
  void ask_admin(GatewayFacts& facts, int master) const;
  /// Base URL of a listener for traffic that speaks plain HTTP, or empty.
  std::string proxy_of(const GatewayFacts& facts) const;
  /// Fills in what file is ours to change, and what stands in the way.
  void find_configuration(GatewayFacts& facts, const KongSettings& settings,
                          const KongUnit* owner) const;
  std::optional<KongUnit> unit(const GatewayFacts& facts) const;
  ConfInUse conf_in_use(const GatewayFacts& facts) const;
  /// What keeps the unit that takes back at boot from doing so.
  std::optional<Finding> recovery_trouble(const GatewayFacts& facts) const;
  std::optional<Finding> recovery_absent(const GatewayFacts& facts) const;
  std::string starter_of(const GatewayFacts& facts) const;
  /// Runs Kong's command as the owner of the master would, in a clean environment.
  ChildResult run_kong(const GatewayFacts& facts, std::vector<std::string> arguments,
                       const std::vector<std::string>& extra, Time deadline) const;
  /// Asks Kong to reload; `reload` watches meanwhile.
  std::string request_reload(const GatewayFacts& facts, Time deadline) const;
  /// Runs `request` and watches the processes meanwhile: old and new workers serve side by side for
  /// as little as 100 ms, and on a busy host the command may return later than that.
  std::string watched(const GatewayFacts& facts, const std::function<std::string()>& request);
  bool accepted_since(const Snapshot& before);
  /// What of Kong's own words may not be passed on, by kong.conf and what Kong runs with; and with
  /// the environment its unit has now, where `owner` is that.
  KongSecrets secrets(const GatewayFacts& facts, const std::optional<KongUnit>& owner) const;
  /// Takes it out of a verdict; where it can't be found out, the log goes.
  Verdict without_secrets(const GatewayFacts& facts, Verdict verdict) const;
  void add_processes(const GatewayFacts& facts, Snapshot& snapshot) const;
  /// What inspect_generation() is to know of this Kong.
  PreflightScene scene_of(const GatewayFacts& facts, const std::optional<KongUnit>& owner,
                          const std::filesystem::path& generation) const;
  /// Where this Kong looks for modules: its own directories, where its command is not below
  /// /usr/local, too.
  HostPaths lua_paths(const GatewayFacts& facts) const;
  bool uses_database(const KongSettings& settings, const std::optional<KongUnit>& owner) const;
  Candidate read_candidate(const GatewayFacts& facts, const std::optional<KongUnit>& owner,
                           const std::filesystem::path& managed,
                           const std::filesystem::path& generation) const;
  /// Runs Kong's command in the environment Kong is reloaded in: its unit's, or none.
  ChildResult run_as_reloaded(const GatewayFacts& facts, const std::optional<KongUnit>& owner,
                              const std::vector<std::string>& arguments,
                              const std::vector<std::string>& extra, Time deadline) const;
  /// Who that is, where it is not us.
  std::optional<UnixUser> reloading_user(const GatewayFacts& facts,
                                         const std::optional<KongUnit>& owner) const;
  /// Plugins that configuration uses and the candidate does not list, as the Admin API tells.
  std::vector<Finding> plugins_in_use(const GatewayFacts& facts, const Candidate& candidate,
                                      Time deadline) const;
  /// The file against which the candidate is parsed: Kong's own declarative configuration, where
  /// one can be had.
  struct Declared {
    std::filesystem::path file;
    bool exported = false;  // taken from the running Kong, which was given it by POST /config
  };
  Declared declared_for(const GatewayFacts& facts, const Candidate& candidate,
                        const ScratchDirectory& scratch, std::vector<Finding>& findings) const;
  class Loading;
  /// Has Kong read a candidate in a scratch prefix.
  PreflightReport load_candidate(const GatewayFacts& facts, const std::optional<KongUnit>& owner,
                                 const Candidate& candidate, Time deadline) const;
  /// What of the database migrations of the candidate's plugins has not run yet. Asks only.
  std::vector<Finding> unrun_migrations(const GatewayFacts& facts,
                                        const std::optional<KongUnit>& owner,
                                        const Candidate& candidate, Time deadline) const;

  const Config config_;
  const HostPaths paths_;
  const HttpClient http_;
  const KongAdmin admin_;
  const Systemd systemd_;

  /// What `watched` saw last.
  struct Acceptance {
    ProcessId master;
    std::uint64_t since = 0;
    bool seen = false;
  };
  std::mutex acceptance_lock_;
  Acceptance acceptance_;

  std::mutex version_lock_;
  std::string version_key_;  // binary, size and time of change
  std::string version_;
};

}  // namespace kongfleet::agent
