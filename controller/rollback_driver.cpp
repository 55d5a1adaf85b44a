// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollback_driver.hpp"

#include "controller/ousted.hpp"

#include <boost/asio/co_spawn.hpp>

#include <csignal>

namespace kongfleet::controller {

namespace {

constexpr auto memory_pause = std::chrono::minutes(1);

}  // namespace

RollbackDriver::RollbackDriver(EventLoop& loop, const std::vector<std::unique_ptr<HostRun>>& hosts,
                               RunView& view, std::optional<std::uint64_t> to,
                               std::chrono::milliseconds beat)
    : loop_(loop),
      io_(loop.io()),
      hosts_(hosts),
      view_(view),
      to_(to),
      beat_every_(beat),
      phases_(hosts.size(), HostPhase::Waiting),
      over_(hosts.size()),
      beat_(io_),
      signals_(io_, SIGINT, SIGTERM) {}

void RollbackDriver::run() {
  if (hosts_.empty()) return;
  listen_for_interrupt();
  keep_beating();
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    asio::co_spawn(io_, take_back(host), [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);  // HostRun throws nothing: this is ours
    });
  }
  io_.restart();
  loop_.run();
}

asio::awaitable<void> RollbackDriver::take_back(std::size_t host) {
  auto& run = *hosts_[host];
  Conversation::OnProgress on_progress = [this, &run](const wire::Progress& progress) {
    view_.step(run, progress);
  };
  HostRun::MayBegin may_tell_it = [this, host] { return may_tell(host); };
  const auto phase = co_await run.roll_back(to_, std::move(on_progress), std::move(may_tell_it));
  if (!taken_over_.empty()) co_return;
  over_[host] = true;
  phases_[host] = phase;
  if (phase != HostPhase::Waiting) view_.phase(run, phase);
  leave_if_done();
}

// One that was told may be told again, over another link: it is the same order.
bool RollbackDriver::may_tell(std::size_t host) {
  const bool told = phases_[host] == HostPhase::Reverting;
  if (interrupted_ && !told) return false;
  ask(&RunView::check);
  if (!taken_over_.empty()) return false;
  if (told) return true;
  phases_[host] = HostPhase::Reverting;
  view_.intends(*hosts_[host], HostPhase::Reverting);
  return true;
}

bool RollbackDriver::remembers() const {
  return !memory_failed_ || Clock::now() - *memory_failed_ >= memory_pause;
}

// A rollback needs no memory: one that fails meanwhile is told of at the end, and gone without. It
// may take half a minute to fail, in which no host is heard: it is not tried again soon.
void RollbackDriver::ask(void (RunView::*whether)()) {
  if (!taken_over_.empty() || !remembers()) return;
  try {
    (view_.*whether)();
  } catch (const Ousted& ousted) {
    taken_over_ = ousted.what();
    view_.stopping(taken_over_);
    io_.stop();
  } catch (const std::exception&) {
    memory_failed_ = Clock::now();
  }
}

void RollbackDriver::keep_beating() {
  beat_.expires_after(beat_every_);
  beat_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    ask(&RunView::beat);
    if (taken_over_.empty()) keep_beating();
  });
}

void RollbackDriver::listen_for_interrupt() {
  signals_.async_wait([this](const boost::system::error_code& cancelled, int) {
    if (cancelled) return;
    if (interrupted_) {
      abandoned_ = true;
      io_.stop();
      return;
    }
    interrupted_ = true;
    view_.stopping("interrupted");
    listen_for_interrupt();
    leave_if_done();
  });
}

// Nobody is left to be waited for: who was not told by the time of the Ctrl-C is not told any more.
void RollbackDriver::leave_if_done() {
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    const bool told = phases_[host] == HostPhase::Reverting;
    if (!over_[host] && (told || !interrupted_)) return;
  }
  io_.stop();
}

}  // namespace kongfleet::controller
