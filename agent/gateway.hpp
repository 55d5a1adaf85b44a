// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/finding.hpp"
#include "agent/managed_file.hpp"
#include "proto/probe_spec.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kongfleet::agent {

/// What came of asking the Admin API, of a Kong that runs.
struct AdminLook {
  enum class Kind {
    Unasked,
    Answers,
    Forbids,  // there is one, but not for us
    Wrong,    // no Admin API of this Kong's answers so
    Silent
  };
  Kind kind = Kind::Unasked;
  std::string text;  // where it does not answer as it should: what it does
};

/// What Kong on this host is and where it keeps things. Found out afresh for every transaction.
struct GatewayFacts {
  std::string version;              // "2.8.5", "3.4.2"
  std::filesystem::path conf;       // kong.conf in use
  std::filesystem::path prefix;     // Kong's prefix directory
  std::filesystem::path binary;     // the `kong` command
  std::string unit;                 // systemd unit that owns Kong; empty: started by hand
  std::string role;                 // "traditional", "control_plane", "data_plane"
  std::string admin;                // http://ADDRESS:PORT of an Admin API listener, or empty
  std::string status;               // http://ADDRESS:PORT of a Status API listener, or empty
  std::string admin_outer;          // the address `admin` leads to, or an unknown name; empty where
                                    // that is local, to which the agent's unit is always open
  std::string status_outer;         // likewise of `status`
  AdminLook admin_look;             // of one that runs and has an Admin API
  std::filesystem::path error_log;  // proxy_error_log; empty where it is not a file
  bool running = false;             // a master process lives
  bool starting = false;            // none yet, but systemd is about to have one
  bool stopping = false;            // one yet, and systemd is about to have none
  std::string effective_path;       // lua_package_path that a worker says it runs with, else what
                                    // PREFIX/.kong_env says
  std::string effective_plugins;    // plugins of the running node, likewise
  std::filesystem::path directory;  // where relative paths of the master's begin; empty: unknown
  ManagedFile managed;  // where lua_package_path and plugins are ours to change; without a path it
                        // is kong.conf, or, for another kind, there is no such file
  std::vector<Finding> obstacles;  // what would keep a change there from being what Kong uses (P7)
  bool manageable() const {
    return managed.kind == ConfigurationKind::KongConf || !managed.path.empty();
  }
  const std::filesystem::path& managed_path() const {
    return managed.path.empty() ? conf : managed.path;
  }
};

/// What preflight found, and learned.
struct PreflightReport {
  std::vector<Finding> findings;
  std::vector<std::pair<std::string, std::string>>
      versions;  // plugin, VERSION of its handler as Kong will tell it
};

/// A process that lived: pids are reused, start times are not (/proc/PID/stat field 22, clock ticks
/// since boot).
struct ProcessId {
  int pid = 0;
  std::uint64_t start = 0;
  auto operator<=>(const ProcessId&) const = default;
};

/// What was true before the change; verification compares with it.
struct Snapshot {
  ProcessId master;
  std::vector<ProcessId> workers;  // serving ones
  std::uint64_t log_inode = 0;     // error log: where new lines begin
  std::uint64_t log_offset = 0;
  std::optional<int> ready;        // /status/ready's HTTP status before, if there is one
  std::optional<int> status_page;  // /status's, likewise
  bool configured = false;         // a declarative configuration was loaded, as /status tells
  std::string log_cursor;          // journald: where new lines begin, when the log goes there
  std::uint64_t taken_at = 0;      // clock ticks since boot, comparable with ProcessId::start
};

/// What the reloaded node must show.
struct Expectation {
  std::string lua_package_path;  // exact value of kong.conf
  std::string plugins;           // exact value of kong.conf
  std::vector<std::pair<std::string, std::string>>
      versions;                                    // plugin, VERSION of its handler where known
  std::chrono::steady_clock::time_point deadline;  // verification is given up then
};

struct WorkerRow {
  ProcessId process;
  std::string state;   // "starting", "serving", "draining"
  bool fresh = false;  // started after this reload
};

/// What verification saw. `ok` only when every sign agrees.
struct Verdict {
  bool ok = false;
  std::string
      cause;  // when not: the first and plainest reason, Kong's own error line if there is one
  std::vector<WorkerRow> workers;
  std::string error_log;  // what Kong logged since the snapshot, at most 8 KiB, errors first
};

struct ProbeOutcome {
  std::string name;
  bool ok = false;
  bool inconclusive = false;  // not ok, and nothing was learned: `detail` says why
  bool unanswered = false;    // not ok, and nobody was there who could have answered wrong
  std::string detail;         // "200, X-MyPlugin matches '^1'" or what was wrong
  std::string came;           // of an `own` probe that failed: what came (Deployment::ask)
  unsigned tries = 0;
  std::chrono::milliseconds took{0};
};

/// What a check-up wants to know of Kong beyond that (agent/checkup.hpp).
struct NodeDetails {
  std::optional<Finding> reload;    // why a reload would not have Kong read its configuration
  std::optional<Finding> start;     // likewise a start
  std::optional<Finding> recovery;  // why nothing could be taken back at boot
  bool private_tmp = false;         // Kong's unit has its own /tmp
  bool status_answers = false;      // the Status API does
  bool status_by_unit = false;      // a variable of Kong's unit beats status_listen of kong.conf
  std::string shutdown_timeout;     // nginx_main_worker_shutdown_timeout; empty: unset
  std::string declarative;          // declarative_config; empty: unset
  std::vector<Finding> files;       // other copies of what runs, what would be loaded instead of a
                                    // plugin of the fleet, and what workers can't read
};

/// Kong on this host: the seam between the transaction and the world. Calls block, each within its
/// deadline. Throws Error only where the host itself fails (no memory, no process table); what Kong
/// does is in the results.
class Gateway {
public:
  virtual ~Gateway() = default;

  /// Finds out what runs here. Throws Error with advice when Kong can't be found or managed.
  virtual GatewayFacts inspect() = 0;

  /// Has Kong itself load the candidate configuration in an empty scratch prefix, away from the
  /// live node, and looks for what would shadow or override it. At `candidate` lies the managed
  /// file, whole, as it would be.
  virtual PreflightReport preflight(const GatewayFacts& facts,
                                    const std::filesystem::path& candidate,
                                    const std::filesystem::path& generation,
                                    std::chrono::steady_clock::time_point deadline) = 0;

  /// What overrides `lua_package_path` or `plugins` of the managed file on this host, looked at
  /// afresh: GatewayFacts::obstacles of now, and whether another file decides by now.
  virtual std::vector<Finding> overrides(const GatewayFacts& facts) = 0;

  /// After a change of a file of that kind: has systemd read a unit file anew (`systemctl
  /// daemon-reload`), which it does by itself neither when it reloads Kong nor when it starts it;
  /// for other kinds there is nothing to do. An empty string, or why it failed.
  virtual std::string make_known(ConfigurationKind, std::chrono::steady_clock::time_point) {
    return {};
  }

  /// For a check-up; changes nothing. `generation`: the one that is confirmed, or empty. `plugins`:
  /// names of those that are to run here besides.
  virtual NodeDetails details(const GatewayFacts&, const std::filesystem::path& /*generation*/,
                              const std::set<std::string>& /*plugins*/) {
    return {};
  }

  /// For a Kong that does not run: removes what one that was killed left behind and that would keep
  /// it from starting. Never throws; what can't be removed is left to Kong to complain about.
  virtual void make_way(const GatewayFacts&) noexcept {}

  /// Remembers the node as it is; must be taken right before `reload`.
  virtual Snapshot snapshot(const GatewayFacts& facts) = 0;

  /// Has Kong read kong.conf anew, gracefully. An empty string, or why the request itself failed;
  /// success is no proof of anything (kong-live.md section 2). Where Kong isn't running it starts
  /// nothing and says so.
  virtual std::string reload(const GatewayFacts& facts,
                             std::chrono::steady_clock::time_point deadline) = 0;

  /// Watches until every sign agrees or one contradicts, at the latest at the expectation's
  /// deadline.
  virtual Verdict verify(const GatewayFacts& facts, const Snapshot& before,
                         const Expectation& expected) = 0;

  /// Looks whether what was verified still holds: same master, no worker of before the reload
  /// serving, no degraded worker. What may be passing (a worker that is being replaced) is looked
  /// at for 5 seconds at the most; the expectation's deadline counts nothing. For the trial.
  virtual Verdict still(const GatewayFacts& facts, const Snapshot& before,
                        const Expectation& expected) = 0;

  /// Runs one probe, no smoke test, to its verdict, at the latest at `deadline`.
  virtual ProbeOutcome probe(const ProbeSpec& probe,
                             std::chrono::steady_clock::time_point deadline) = 0;

  /// Why a smoke test of `probe` would not come to a verdict here, or would do harm: findings that
  /// refuse. Looked at while nothing has changed yet.
  virtual std::vector<Finding> smoke_objections(const GatewayFacts&, const ProbeSpec&,
                                                std::chrono::steady_clock::time_point) {
    return {};
  }
  /// Carries out a smoke test (smoke_run.hpp): what it creates in Kong is gone afterwards.
  virtual ProbeOutcome smoke(const GatewayFacts& facts, const ProbeSpec& probe,
                             std::chrono::steady_clock::time_point deadline) = 0;
  /// Removes what a smoke test left whose agent died. False while something may be left: it is to
  /// be called again, before Kong reloads what may not have the plugin, and once Kong runs.
  virtual bool clear_smoke(const GatewayFacts&) noexcept { return true; }

  /// How many workers of an earlier reload still drain: their generations must stay on disk.
  virtual std::size_t draining(const GatewayFacts& facts) = 0;
};

}  // namespace kongfleet::agent
