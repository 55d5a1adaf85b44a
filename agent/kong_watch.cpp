// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that looks at the running Kong: snapshot, verify, still, draining.
#include "agent/durable_file.hpp"
#include "agent/error_log.hpp"
#include "agent/followed_path.hpp"
#include "agent/kong_node.hpp"
#include "agent/kong_settings.hpp"
#include "agent/log.hpp"
#include "agent/verify.hpp"
#include "proto/error.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <thread>

namespace kongfleet::agent {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto journal_timeout = 5s;
constexpr auto journal_interval = 250ms;  // a journalctl costs 10 ms of CPU
constexpr auto status_timeout = 2s;
constexpr auto watch_interval = 20ms;  // as in verification
// A trial looks at this much of the log's end: a degraded worker writes a line for every request.
constexpr std::uint64_t trial_tail_max = std::uint64_t{1} << 20;
constexpr std::size_t nginx_conf_max = std::size_t{8} << 20;

/// `worker_processes` of PREFIX/nginx.conf, which Kong renders and nginx has read: a number, or
/// nothing for "auto".
std::optional<std::size_t> configured_workers(const std::filesystem::path& prefix) {
  const auto conf = prefix / "nginx.conf";
  std::string text;
  try {
    const auto file = followed_file(conf);
    if (!file) return std::nullopt;
    text = read_file(file, conf, nginx_conf_max);
  } catch (const Error&) {
    return std::nullopt;  // being rewritten, or Kong renders it elsewhere
  }
  constexpr std::string_view key = "worker_processes ";
  for (auto at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
    const auto line_begin = text.rfind('\n', at) + 1;
    if (text.find_first_not_of(" \t", line_begin) != at) continue;
    std::size_t count = 0;
    const char* begin = text.data() + at + key.size();
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), count);
    if (error == std::errc() && count > 0) return count;
    return std::nullopt;
  }
  return std::nullopt;
}

class RunningKong final : public NodeView {
public:
  struct Parts {
    const GatewayFacts& facts;
    const Snapshot& before;
    const Config& config;
    const HostPaths& paths;
    const KongAdmin& admin;
    const Systemd& systemd;
    bool accepted = false;  // seen already
  };
  RunningKong(const Parts& parts, LogPosition from)
      : parts_(parts),
        processes_(parts.facts.prefix, parts.paths.proc),
        follower_(parts.facts.error_log, from) {}

  Time now() override { return Clock::now(); }
  void pause(std::chrono::milliseconds time) override { std::this_thread::sleep_for(time); }

  ProcessView processes(KongProcesses::Care care) override {
    ProcessView view;
    const auto master = processes_.master();
    if (!master) return view;
    view.master = master->id;
    view.children = processes_.children(master->id, care);
    view.busy = processes_.busy(master->id);
    return view;
  }

  std::optional<std::vector<LogEntry>> log() override {
    if (!parts_.facts.error_log.empty()) {
      if (const auto text = follower_.more()) {
        parser_.feed(*text);
        log_read_ = true;
      }
      if (!log_read_) return std::nullopt;
      return parser_.entries();
    }
    if (parts_.facts.unit.empty() || parts_.before.log_cursor.empty()) return std::nullopt;
    if (now() >= next_journal_) {
      const auto text = parts_.systemd.journal_after(parts_.facts.unit, parts_.before.log_cursor,
                                                     now() + journal_timeout);
      if (text) {
        parser_ = LogParser();
        parser_.feed(*text);
      }
      log_read_ = text.has_value();
      next_journal_ = now() + journal_interval;
    }
    if (!log_read_) return std::nullopt;
    return parser_.entries();
  }

  std::optional<AdminAnswer> admin(Time deadline) override {
    if (parts_.facts.admin.empty()) return std::nullopt;
    auto answer = parts_.admin.root(parts_.facts.admin, deadline);
    const bool moved = answer.kind == AdminAnswer::Kind::Silent &&
                       listens_elsewhere(parts_.config.admin, "admin_listen", parts_.facts.admin);
    if (moved) return std::nullopt;
    return answer;
  }

  std::optional<StatusAnswer> status(Time deadline) override {
    if (parts_.facts.status.empty()) return std::nullopt;
    auto answer = parts_.admin.status(parts_.facts.status, deadline);
    const bool moved = !answer.page && listens_elsewhere(parts_.config.status, "status_listen",
                                                         parts_.facts.status);
    if (moved) return std::nullopt;
    return answer;
  }

  WorkerCount workers() override {
    if (const auto count = configured_workers(parts_.facts.prefix)) return {*count, *count};
    // "auto": one for each processor, as it was before. Two reloads at once may have left more than
    // that, a worker that died just then fewer.
    const auto processors = static_cast<std::size_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
    const auto had = parts_.before.workers.size();
    return {had == 0 ? processors : std::min(had, processors), std::max(had, processors)};
  }

  bool accepted_already() override { return parts_.accepted; }

private:
  /// Whether the configuration that was just loaded has an API elsewhere, or nowhere.
  bool listens_elsewhere(const std::string& choice, const char* key, const std::string& url) const {
    if (choice != "auto") return false;
    const KongSettings settings(parts_.facts.conf, parts_.facts.prefix,
                                dialect_of(parts_.facts.version));
    const auto listen = settings.effective(key);
    return listen && base_url_of(*listen).value_or("") != url;
  }

  const Parts parts_;
  KongProcesses processes_;
  LogFollower follower_;
  LogParser parser_;
  Time next_journal_{};
  bool log_read_ = false;
};

}  // namespace

Snapshot KongNode::snapshot(const GatewayFacts& facts) {
  Snapshot snapshot;
  if (facts.error_log.empty()) {
    if (!facts.unit.empty())
      snapshot.log_cursor = systemd_.journal_cursor(Clock::now() + journal_timeout);
  } else {
    const auto refusal = refusal_of_log(facts.error_log);
    if (!refusal.empty()) log_warning("Kong's error log can't be looked at: " + refusal);
    const auto end = end_of_log(facts.error_log);
    snapshot.log_inode = end.inode;
    snapshot.log_offset = end.offset;
  }
  if (!facts.status.empty()) {
    const auto status = admin_.status(facts.status, Clock::now() + status_timeout);
    snapshot.ready = status.ready;
    snapshot.status_page = status.page;
    snapshot.configured = status.configured;
  }
  add_processes(facts, snapshot);
  return snapshot;
}

void KongNode::add_processes(const GatewayFacts& facts, Snapshot& snapshot) const {
  // The time first: who starts while the list is read is in the list, and not taken for new.
  snapshot.taken_at = KongProcesses::ticks_now();
  const KongProcesses processes(facts.prefix, paths_.proc);
  const auto master = processes.master();
  if (!master) return;
  snapshot.master = master->id;
  for (const auto& child : processes.children(master->id, KongProcesses::Care::Thorough))
    if (child.state == ChildState::Serving || child.state == ChildState::Starting)
      snapshot.workers.push_back(child.id);
}

std::string KongNode::watched(const GatewayFacts& facts,
                              const std::function<std::string()>& request) {
  Snapshot before;
  add_processes(facts, before);
  std::atomic<bool> accepted = false;
  std::string problem;
  {
    const std::jthread watcher([&](const std::stop_token& over) {
      try {
        RunningKong node({facts, before, config_, paths_, admin_, systemd_}, {});
        while (!over.stop_requested() && !accepted) {
          accepted = shows_acceptance(before, node.processes(KongProcesses::Care::Quick),
                                      node.workers().most);
          node.pause(watch_interval);
        }
      } catch (const std::exception&) {
        return;  // the process table can't be read: verification will say so
      }
    });
    problem = request();
  }
  const std::scoped_lock lock(acceptance_lock_);
  acceptance_ = Acceptance{before.master, before.taken_at, accepted};
  return problem;
}

bool KongNode::accepted_since(const Snapshot& before) {
  const std::scoped_lock lock(acceptance_lock_);
  return acceptance_.seen && acceptance_.master == before.master &&
         acceptance_.since >= before.taken_at;
}

Verdict KongNode::verify(const GatewayFacts& facts, const Snapshot& before,
                         const Expectation& expected) {
  RunningKong node({facts, before, config_, paths_, admin_, systemd_, accepted_since(before)},
                   {before.log_inode, before.log_offset});
  return without_secrets(facts, watch_reload(node, before, expected));
}

KongSecrets KongNode::secrets(const GatewayFacts& facts,
                              const std::optional<KongUnit>& owner) const {
  const auto dialect = dialect_of(facts.version);
  const auto* unit = owner ? &*owner : nullptr;
  try {
    return {KongSettings(facts.conf, facts.prefix, dialect), unit};
  } catch (const Error&) {  // a person is at kong.conf; what Kong runs with is in .kong_env
    return {KongSettings("/nonexistent", facts.prefix, dialect), unit};
  }
}

Verdict KongNode::without_secrets(const GatewayFacts& facts, Verdict verdict) const {
  if (verdict.cause.empty() && verdict.error_log.empty()) return verdict;
  try {
    const auto secret = secrets(facts, unit(facts));
    verdict.cause = secret.masked(std::move(verdict.cause));
    verdict.error_log = secret.masked(std::move(verdict.error_log));
  } catch (const std::exception& error) {
    verdict.error_log.clear();
    log_warning(std::string(error.what()) + "; what is secret in Kong's log is not known, so it " +
                "is not passed on");
  }
  return verdict;
}

Verdict KongNode::still(const GatewayFacts& facts, const Snapshot& before,
                        const Expectation& expected) {
  LogPosition from{before.log_inode, before.log_offset};
  const auto end = end_of_log(facts.error_log);
  if (end.inode == from.inode && end.offset > from.offset + trial_tail_max)
    from.offset = end.offset - trial_tail_max;
  RunningKong node({facts, before, config_, paths_, admin_, systemd_}, from);
  return without_secrets(facts, look_once(node, before, expected));
}

std::size_t KongNode::draining(const GatewayFacts& facts) {
  const KongProcesses processes(facts.prefix, paths_.proc);
  const auto master = processes.master();
  if (!master) return 0;
  const auto children = processes.children(master->id, KongProcesses::Care::Thorough);
  return static_cast<std::size_t>(
      std::count_if(children.begin(), children.end(),
                    [](const KongChild& child) { return child.state == ChildState::Draining; }));
}

}  // namespace kongfleet::agent
