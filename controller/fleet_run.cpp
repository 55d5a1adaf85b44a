// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_run.hpp"

#include "controller/amounts.hpp"
#include "controller/clock.hpp"
#include "controller/declined.hpp"
#include "controller/exit_code.hpp"
#include "controller/fleet_ssh.hpp"
#include "controller/ousted.hpp"
#include "controller/rollback_driver.hpp"
#include "controller/rollout_driver.hpp"
#include "controller/ssh_links.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <random>

namespace kongfleet::controller {

namespace {

// "rollout-20261123T101500-3fa9": sorts by time, and two controllers never choose the same.
std::string make_id(const std::string& kind) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  const auto chance = std::random_device{}() & 0xffffU;
  const auto length = std::strftime(text, sizeof text, "-%Y%m%dT%H%M%S-", &parts);
  std::snprintf(text + length, sizeof text - length, "%04x", chance);
  return kind + text;
}

}  // namespace

namespace {

/// The ground of ordinary runs.
struct SshGround {
  explicit SshGround(const SshSettings& settings)
      : links(loop.io().get_executor(), settings), who(who_we_are(settings)) {}
  EventLoop loop;
  SshLinks links;
  std::string who;
};

}  // namespace

struct FleetRun::Machinery {
  std::unique_ptr<SshGround> ssh;  // null where a run stands on other ground
  RunGround ground;
  const Fleet& fleet;
  std::vector<Release> releases;
  std::string kind;
  std::string id;
  ContentPack contents;
  RunParts parts;
  std::vector<std::unique_ptr<HostRun>> hosts;
  // No Ctrl-C ends us unheard: not between the run and its end either.
  std::optional<asio::signal_set> signals;

  Machinery(const Fleet& its_fleet, const std::vector<const FleetHost*>& selected,
            std::vector<Release> all, const std::string& its_kind, const std::string& its_id,
            RunGround on)
      : ground(std::move(on)),
        fleet(its_fleet),
        releases(std::move(all)),
        kind(its_kind),
        id(its_id.empty() ? make_id(its_kind) : its_id),
        contents(releases),
        parts{ground.links,
              fleet,
              releases,
              contents,
              ground.who,
              id,
              selected.size() <= fleet.ssh.max_connections} {
    for (const auto* host : selected) hosts.push_back(std::make_unique<HostRun>(parts, *host));
  }
};

FleetRun::FleetRun(const Fleet& fleet, const std::vector<const FleetHost*>& hosts,
                   std::vector<Release> releases, const std::string& kind, const std::string& id) {
  auto ssh = std::make_unique<SshGround>(ssh_settings_of(fleet));
  machinery_ = std::make_unique<Machinery>(fleet, hosts, std::move(releases), kind, id,
                                           RunGround{ssh->loop, ssh->links, ssh->who});
  machinery_->ssh = std::move(ssh);
}

FleetRun::FleetRun(const Fleet& fleet, const std::vector<const FleetHost*>& hosts,
                   std::vector<Release> releases, const std::string& kind, const std::string& id,
                   RunGround ground)
    : machinery_(std::make_unique<Machinery>(fleet, hosts, std::move(releases), kind, id,
                                             std::move(ground))) {}

FleetRun::~FleetRun() = default;

const std::string& FleetRun::id() const { return machinery_->id; }
const std::string& FleetRun::kind() const { return machinery_->kind; }
const std::vector<Release>& FleetRun::releases() const { return machinery_->releases; }
const Fleet& FleetRun::fleet() const { return machinery_->fleet; }
const std::string& FleetRun::who() const { return machinery_->parts.controller; }
const std::vector<std::unique_ptr<HostRun>>& FleetRun::hosts() const { return machinery_->hosts; }
std::vector<std::string> FleetRun::notes() const {
  auto notes = machinery_->fleet.notes;
  if (machinery_->ssh) {
    for (auto& note : machinery_->ssh->links.notes()) notes.push_back(std::move(note));
  }
  for (auto& note : machinery_->parts.identities.notes()) notes.push_back(std::move(note));
  return notes;
}

RunShape FleetRun::shape(const std::optional<RolloutRules>& rules) const {
  std::vector<std::string> labels;
  for (const auto& host : machinery_->hosts) labels.push_back(host->label());
  return run_shape(machinery_->id, machinery_->kind, std::move(labels), rules);
}

void FleetRun::on_all(const std::function<asio::awaitable<void>(HostRun&)>& deed) {
  for (auto& host : machinery_->hosts) {
    asio::co_spawn(machinery_->ground.loop.io(), deed(*host), rethrow);
  }
  machinery_->ground.loop.run_again();
}

namespace {

asio::awaitable<void> greet(HostRun& host) {
  [[maybe_unused]] const bool well = co_await host.greet();
}

asio::awaitable<void> make_plan(HostRun& host) {
  [[maybe_unused]] const bool well = co_await host.make_plan();
}

/// Hosts that are asked something, until the last of them has answered: `left` have not. Of these
/// `first` were never heard. `renewed` are asked only to keep what they are in, and are not
/// counted.
struct Asking {
  std::size_t left;
  std::chrono::milliseconds interval;
  Timer tick;
  std::size_t first = left;
  std::size_t renewed = 0;

  bool is_over() const { return left == 0 && renewed == 0; }
  void answered(std::size_t& count) {
    --count;
    if (is_over()) tick.cancel();
  }
};

asio::awaitable<void> plan_one(HostRun& host, Asking& asking) {
  co_await make_plan(host);
  asking.answered(asking.left);
}

asio::awaitable<void> ask_one_again(HostRun& host, bool asked, Asking& asking) {
  if (asked) co_await host.ask_again();
  if (!asked) co_await greet(host);
  --asking.first;
  asking.answered(asking.left);
  bool quick = true;
  while (!asking.is_over() && asked && host.answer == HostAnswer::Trial) {
    co_await asking.tick.async_wait(asio::as_tuple(asio::use_awaitable));
    // All wait for the last that is renewed; one that is slow at it is not renewed for that again,
    // or it would come to no end.
    if (asking.is_over() || (asking.left == 0 && !quick)) break;
    // It may have gone silent, and must not be waited for without renewing the others. Those that
    // are renewed only because of that hold nobody up, for the same reason.
    auto& count = asking.first > 0 ? asking.left : asking.renewed;
    ++count;
    const auto began = Clock::now();
    co_await host.ask_again();  // it renews the lease
    quick = Clock::now() - began < asking.interval;
    asking.answered(count);
  }
}

asio::awaitable<void> beat_meanwhile(Asking& asking, const std::function<void()>& beat) {
  while (!asking.is_over()) {
    asking.tick.expires_after(asking.interval);
    co_await asking.tick.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!asking.is_over()) beat();
  }
}

// Beats until all have answered. A signal ends the asking before.
void beat_until_answered(asio::io_context& io, Asking& asking, const std::function<void()>& beat,
                         asio::signal_set& signals, bool& interrupted) {
  signals.async_wait([&](const boost::system::error_code& cancelled, int) {
    interrupted = !cancelled;
    if (interrupted) io.stop();
  });
  asio::co_spawn(io, beat_meanwhile(asking, beat), [&signals](const std::exception_ptr& thrown) {
    signals.cancel();
    rethrow(thrown);
  });
}

}  // namespace

void FleetRun::catch_signals() {
  auto& signals = machinery_->signals;
  if (!signals) signals.emplace(machinery_->ground.loop.io(), SIGINT, SIGTERM);
}

void FleetRun::greet_all() { on_all(greet); }
void FleetRun::check_up_all() {
  on_all([](HostRun& host) { return host.check_up(); });
}
void FleetRun::plan_all(const std::function<void()>& beat) {
  auto& io = machinery_->ground.loop.io();
  Asking asking{machinery_->hosts.size(), renewal_interval(std::chrono::minutes(1)), Timer(io)};
  asio::signal_set signals(io, SIGINT, SIGTERM);  // not after: a person may be asked something then
  bool interrupted = false;
  beat_until_answered(io, asking, beat, signals, interrupted);
  on_all([&](HostRun& host) { return plan_one(host, asking); });
  if (interrupted) throw Declined(exit_code::interrupted, "interrupted; nothing was touched");
}

void FleetRun::put_in_order(const std::function<int(const HostRun&)>& rank) {
  auto& hosts = machinery_->hosts;
  std::stable_sort(hosts.begin(), hosts.end(),
                   [&](const auto& one, const auto& other) { return rank(*one) < rank(*other); });
}

void FleetRun::ask_again(const std::vector<bool>& which, const std::function<void()>& beat) {
  auto& io = machinery_->ground.loop.io();
  Asking asking{machinery_->hosts.size(),
                renewal_interval(machinery_->fleet.rollout.confirm_timeout), Timer(io)};
  catch_signals();
  bool interrupted = false;
  beat_until_answered(io, asking, beat, *machinery_->signals, interrupted);
  std::size_t next = 0;
  on_all([&](HostRun& host) { return ask_one_again(host, which[next++], asking); });
  if (interrupted) {
    throw Declined(exit_code::interrupted,
                   "interrupted while its hosts were asked how they are: none was told to change; "
                   "what is in trial goes back by itself, unless 'kongfleet resume " +
                       id() + "' is sooner");
  }
}

RolloutRules FleetRun::rules() const {
  const auto& policy = machinery_->fleet.rollout;
  const auto count = machinery_->hosts.size();
  RolloutRules rules;
  rules.wave_ends = wave_ends(policy.waves, count);
  rules.bake = policy.bake;
  // One connection stays free for what is in trial: its lease must be renewed whatever else goes
  // on.
  const auto connections = std::max<std::size_t>(machinery_->fleet.ssh.max_connections, 2);
  rules.max_unavailable = std::min(at_most(policy.max_unavailable, count), connections - 1);
  rules.max_failures = policy.max_failures;
  rules.when_failed =
      policy.on_failure == OnFailure::Pause ? WhenFailed::Pause : WhenFailed::TakeBack;
  return rules;
}

namespace {

RolloutState state_after(const Rollout& rollout, bool abandoned) {
  if (abandoned) return RolloutState::Open;
  switch (rollout.stop()) {
    case RolloutStop::Paused:
      return RolloutState::Paused;
    case RolloutStop::Interrupted:
      return RolloutState::Interrupted;
    case RolloutStop::Aborted:
      return RolloutState::Aborted;
    case RolloutStop::No:
    case RolloutStop::Failed:
      break;
  }
  return RolloutState::Ended;
}

bool any_strange_key(const RunEnd& end) {
  return std::any_of(end.hosts.begin(), end.hosts.end(),
                     [](const auto& entry) { return entry.first->fault == LinkFault::HostKey; });
}

}  // namespace

RunEnd FleetRun::roll_out(Rollout& rollout, RunView& view, RolloutGate* gate) {
  const auto count = machinery_->hosts.size();
  catch_signals();
  RolloutDriver driver(machinery_->ground.loop, rollout, machinery_->hosts, view,
                       machinery_->fleet.rollout.bake, machinery_->fleet.rollout.confirm_timeout);
  if (gate != nullptr) driver.ask(*gate);
  driver.run();
  RunEnd end;
  end.kind = machinery_->kind;
  end.id = machinery_->id;
  end.exit_code = driver.abandoned() ? exit_code::interrupted : rollout.exit_code();
  end.state = state_after(rollout, driver.abandoned());
  end.taken_over = driver.taken_over();
  if (!end.taken_over.empty()) end.exit_code = exit_code::held;
  end.abandoned = driver.abandoned() && end.taken_over.empty();
  end.stop = rollout.stop();
  for (std::size_t i = 0; i < count; ++i) {
    end.hosts.emplace_back(machinery_->hosts[i].get(), rollout.phase(i));
  }
  // Refused only because somebody else came between the plan and now: trying later is the answer.
  const bool held = std::all_of(end.hosts.begin(), end.hosts.end(), [](const auto& entry) {
    return entry.second != HostPhase::Refused || entry.first->trouble == Trouble::Held;
  });
  const bool any = std::any_of(end.hosts.begin(), end.hosts.end(), [](const auto& entry) {
    return entry.second == HostPhase::Refused;
  });
  if (end.exit_code == exit_code::refused && any && held) end.exit_code = exit_code::held;
  if (end.exit_code == exit_code::failed && any_strange_key(end))
    end.exit_code = exit_code::host_key;
  return end;
}

namespace {

bool probes_failed(const HostRun& host) {
  return host.outcome && std::any_of(host.outcome->probes().begin(), host.outcome->probes().end(),
                                     [](const auto& probe) { return !probe.ok(); });
}

// design.md section 6, for a rollback: the gravest of what its hosts came to.
int rollback_exit_code(const RunEnd& end) {
  bool done = false, person = false, held = false, refused = false, back = false, other = false;
  for (const auto& [host, phase] : end.hosts) {
    const bool well = phase == HostPhase::Done || phase == HostPhase::Unchanged;
    done = done || well;
    person = person || phase == HostPhase::Stranded || phase == HostPhase::Lost ||
             (well && probes_failed(*host));
    held = held || (phase == HostPhase::Refused && host->trouble == Trouble::Held);
    refused = refused || (phase == HostPhase::Refused && host->trouble != Trouble::Held);
    back = back || phase == HostPhase::Back;
    other = other || phase == HostPhase::Unreachable;
  }
  if (person) return exit_code::needs_person;
  if (!done && !back && any_strange_key(end)) return exit_code::host_key;
  if (back || other || (done && (held || refused))) return exit_code::taken_back;
  return refused ? exit_code::refused : held ? exit_code::held : exit_code::done;
}

}  // namespace

RunEnd FleetRun::roll_back(std::optional<std::uint64_t> to, RunView& view) {
  constexpr auto beat = std::chrono::seconds(1);  // what is remembered of it is no older
  catch_signals();
  RollbackDriver driver(machinery_->ground.loop, machinery_->hosts, view, to, beat);
  driver.run();
  RunEnd end;
  end.kind = machinery_->kind;
  end.id = machinery_->id;
  for (std::size_t i = 0; i < machinery_->hosts.size(); ++i) {
    end.hosts.emplace_back(machinery_->hosts[i].get(), driver.phase(i));
  }
  end.taken_over = driver.taken_over();
  end.exit_code = rollback_exit_code(end);
  if (driver.interrupted()) {
    if (end.exit_code != exit_code::needs_person) end.exit_code = exit_code::interrupted;
    end.state = RolloutState::Interrupted;
    end.stop = RolloutStop::Interrupted;
  }
  if (!end.taken_over.empty()) end.exit_code = exit_code::held;
  end.abandoned = driver.abandoned() && end.taken_over.empty();
  return end;
}

}  // namespace kongfleet::controller
