// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_driver.hpp"

#include "controller/ousted.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>

namespace kongfleet::controller {

namespace {

constexpr auto renew_min = std::chrono::milliseconds(1000);
constexpr auto renew_max = std::chrono::milliseconds(10'000);

}  // namespace

std::chrono::milliseconds renewal_interval(std::chrono::milliseconds lease) {
  return std::clamp(lease / 3, renew_min, renew_max);
}

RolloutDriver::RolloutDriver(EventLoop& loop, Rollout& rollout,
                             std::vector<std::unique_ptr<HostRun>>& hosts, RunView& view,
                             std::chrono::milliseconds bake, std::chrono::milliseconds lease)
    : loop_(loop),
      io_(loop.io()),
      rollout_(rollout),
      hosts_(hosts),
      view_(view),
      bake_(bake),
      renew_every_(renewal_interval(lease)),
      jobs_(hosts.size()),
      busy_(hosts.size()),
      before_revert_(hosts.size(), HostPhase::Trial),
      wake_(io_),
      renew_(io_),
      signals_(io_, SIGINT, SIGTERM),
      reason_(rollout.why()) {}

void RolloutDriver::run() {
  listen_for_interrupt();
  renew_trials();
  io_.restart();
  if (gate_ == nullptr) release_all();
  pump();
  if (abandoned_) return;
  tell_of_others();
  loop_.run();
}

void RolloutDriver::release_all() {
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    if (rollout_.is_held(host)) rollout_.release(host);
  }
}

// Whoever had begun with these may have died before the gate knew what became of them. Those that
// have something to do by now are told of after it.
void RolloutDriver::tell_of_others() {
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    if (rollout_.is_held(host) && !busy_[host]) give(host, Job::TellGate);
  }
}

void RolloutDriver::give(std::size_t host, Job job) {
  jobs_[host].push_back(job);
  if (busy_[host]) return;
  busy_[host] = true;
  asio::co_spawn(io_, work(host), [](const std::exception_ptr& bug) {
    if (bug)
      std::rethrow_exception(bug);  // HostRun throws nothing: this is ours, and ends the program
  });
}

asio::awaitable<void> RolloutDriver::work(std::size_t host) {
  while (!jobs_[host].empty()) {
    const auto job = jobs_[host].front();
    jobs_[host].pop_front();
    const bool asks = job == Job::Renew || job == Job::Look;
    if (asks && rollout_.phase(host) != HostPhase::Trial) continue;  // it is known by now
    auto phase = rollout_.phase(host);
    if (job != Job::TellGate) phase = co_await perform(host, job);
    if (abandoned_) co_return;
    const bool was_trial = rollout_.phase(host) == HostPhase::Trial;
    if (asks && phase == HostPhase::Trial) {
      if (was_trial) rollout_.heard(host, job == Job::Look);
    } else if (job != Job::TellGate && (!asks || was_trial)) {
      hear(host, phase);
    }
    if (!rollout_.is_held(host)) continue;
    pump_soon();  // what is known now counts now, however long the gate takes
    co_await tell_gate(host, phase);
    if (abandoned_) co_return;
    rollout_.release(host);
  }
  busy_[host] = false;
  pump_soon();
}

void RolloutDriver::hear(std::size_t host, HostPhase phase) {
  rollout_.report(host, phase, Clock::now());
  if (rollout_.phase(host) == phase) view_.phase(*hosts_[host], phase);
  if (reason_.empty() && rollout_.stopping())
    reason_ = rollout_.why() + "; " + hosts_[host]->label() + ": " + hosts_[host]->problem;
}

void RolloutDriver::pump_soon() {
  if (pump_due_) return;
  pump_due_ = true;
  asio::post(io_, [this] {
    pump_due_ = false;
    if (!abandoned_) pump();
  });
}

asio::awaitable<HostPhase> RolloutDriver::start(std::size_t host) {
  auto& run = *hosts_[host];
  if (gate_ != nullptr) {
    const auto objection = co_await gate_->before_host(run, rollout_.wave());
    if (!objection.empty()) {
      if (!rollout_.stopping()) reason_ = objection;
      rollout_.halt(objection);
      co_return HostPhase::Waiting;
    }
    rollout_.hold(host);
  }
  Conversation::OnProgress on_progress = [this, &run](const wire::Progress& progress) {
    view_.step(run, progress);
  };
  HostRun::MayBegin may_begin = [this] { return still_ours() && rollout_.may_start(); };
  const auto phase = co_await run.start(std::move(on_progress), std::move(may_begin));
  co_return phase;
}

// A hook may take longer than a lease lasts, and wait long for its turn.
asio::awaitable<void> RolloutDriver::tell_gate(std::size_t host, HostPhase phase) {
  auto& run = *hosts_[host];
  bool told = false;
  Timer renewal(io_);
  auto hook = gate_->after_host(run, rollout_.wave_of(host), phase);
  asio::co_spawn(io_, std::move(hook), [&](const std::exception_ptr& bug) {
    told = true;
    renewal.cancel();
    rethrow(bug);
  });
  bool in_trial = phase == HostPhase::Trial;
  while (!told) {
    renewal.expires_after(renew_every_);
    co_await renewal.async_wait(asio::as_tuple(asio::use_awaitable));
    if (told || !in_trial) continue;
    HostRun::Unheard held_anyway;
    const auto now = co_await run.renew(std::move(held_anyway));
    in_trial = now == HostPhase::Trial;
    if (in_trial || abandoned_) continue;
    hear(host, now);
    pump_soon();
  }
}

asio::awaitable<HostPhase> RolloutDriver::perform(std::size_t host, Job job) {
  auto& run = *hosts_[host];
  if (job == Job::Start) {
    const auto phase = co_await start(host);
    co_return phase;
  }
  HostRun::MayBegin may = [this] { return still_ours(); };
  if (job == Job::Confirm) {
    const auto phase = co_await run.confirm(std::move(may));
    co_return phase;
  }
  if (job == Job::Renew || job == Job::Look) {
    HostRun::Unheard unheard = [this, host] { rollout_.silent(host); };
    const auto phase = co_await run.renew(std::move(unheard));
    co_return phase;
  }
  auto reason = reason_;
  if (gate_ != nullptr) rollout_.hold(host);
  const auto phase =
      co_await run.take_back(before_revert_[host], std::move(reason), std::move(may));
  co_return phase;
}

void RolloutDriver::pump() {
  const auto now = Clock::now();
  std::vector<HostPhase> before;
  for (std::size_t host = 0; host < hosts_.size(); ++host) before.push_back(rollout_.phase(host));
  const auto actions = rollout_.next(now);
  tell_waves();
  for (const auto& action : actions) {
    if (action.kind != RolloutAction::Kind::Look)
      view_.intends(*hosts_[action.host], rollout_.phase(action.host));
  }
  keep_up([this] { view_.commit(rollout_); });
  if (abandoned_) return;
  for (const auto& action : actions) {
    switch (action.kind) {
      case RolloutAction::Kind::Start:
        give(action.host, Job::Start);
        break;
      case RolloutAction::Kind::Look:
        give(action.host, Job::Look);
        break;
      case RolloutAction::Kind::Confirm:
        give(action.host, Job::Confirm);
        break;
      case RolloutAction::Kind::Revert:
        before_revert_[action.host] = before[action.host];
        give(action.host, Job::Revert);
        break;
    }
  }
  if (rollout_.over()) return finish();
  arm_wake();
}

// What is not remembered is not begun: hosts that were to start find us stopping. What goes back,
// or is confirmed, can be asked of the host by whoever comes after us. Where that one is there
// already, nothing is done any more.
void RolloutDriver::keep_up(const std::function<void()>& with_others) {
  try {
    with_others();
  } catch (const Ousted& ousted) {
    leave(ousted.what());
  } catch (const std::exception& error) {
    if (rollout_.stopping()) return;
    reason_ = error.what();
    rollout_.interrupt();
    asio::post(io_, [this] { pump(); });
  }
}

void RolloutDriver::leave(const std::string& why) {
  taken_over_ = why;
  abandoned_ = true;
  view_.stopping(why);
  io_.stop();
}

// Hooks, the queue for connections and uploads take their time: who takes over meanwhile must find
// that we tell no host anything any more.
bool RolloutDriver::still_ours() {
  if (!abandoned_) keep_up([this] { view_.check(); });
  return !abandoned_;
}

void RolloutDriver::tell_waves() {
  if (rollout_.stopping()) {
    if (!told_stop_)
      view_.stopping(interrupted_ ? "interrupted" : reason_.empty() ? rollout_.why() : reason_);
    told_stop_ = true;
    return;
  }
  const auto wave = rollout_.wave();
  if (wave != told_wave_ && wave < rollout_.waves()) {
    view_.wave(wave, rollout_.waves(), rollout_.wave_size());
    told_wave_ = wave;
    told_baking_ = false;
  }
  if (rollout_.baking() && !told_baking_) {
    view_.baking(wave, rollout_.waves(), bake_);
    told_baking_ = true;
  }
}

void RolloutDriver::arm_wake() {
  const auto when = rollout_.wake();
  if (!when) return;
  wake_.expires_at(*when);
  wake_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) pump();
  });
}

void RolloutDriver::renew_trials() {
  if (rollout_.over()) return;  // the timer may have fired already when it was cancelled
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    if (rollout_.phase(host) == HostPhase::Trial && !busy_[host]) give(host, Job::Renew);
  }
  renew_.expires_after(renew_every_);
  renew_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    keep_up([this] { view_.beat(); });
    if (!abandoned_) renew_trials();
  });
}

void RolloutDriver::listen_for_interrupt() {
  signals_.async_wait([this](const boost::system::error_code& cancelled, int) {
    if (cancelled || rollout_.over()) return;
    if (interrupted_) {
      abandoned_ = true;
      io_.stop();
      return;
    }
    interrupted_ = true;
    reason_ = "interrupted by the operator";
    rollout_.interrupt();
    listen_for_interrupt();
    pump();
  });
}

void RolloutDriver::finish() {
  wake_.cancel();
  renew_.cancel();
  signals_.cancel();
  for (auto& host : hosts_) host->hang_up();
}

}  // namespace kongfleet::controller
