// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/clock.hpp"
#include "controller/event_loop.hpp"
#include "controller/host_run.hpp"
#include "controller/run_view.hpp"

#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Takes hosts back, all at once, and tells `view` that we live meanwhile. After a Ctrl-C no other
/// host is told, and those that were are waited for; after a second one it returns at once. Where
/// another controller has taken over it returns at once, too, and no host is told any more. Runs
/// on the loop's one thread.
class RollbackDriver {
public:
  /// `to`: the generation; nothing: the one before. `beat` is how often `view` beats. All but the
  /// last two must outlive it.
  RollbackDriver(EventLoop& loop, const std::vector<std::unique_ptr<HostRun>>& hosts, RunView& view,
                 std::optional<std::uint64_t> to, std::chrono::milliseconds beat);
  void run();

  /// Waiting: it was never told. Reverting: it was, and we left before it answered.
  HostPhase phase(std::size_t host) const { return phases_[host]; }
  bool interrupted() const { return interrupted_; }
  /// A person told us twice.
  bool abandoned() const { return abandoned_; }
  /// Who has taken over; empty: nobody.
  const std::string& taken_over() const { return taken_over_; }

private:
  asio::awaitable<void> take_back(std::size_t host);
  bool may_tell(std::size_t host);
  void ask(void (RunView::*whether)());
  bool remembers() const;
  void keep_beating();
  void listen_for_interrupt();
  void leave_if_done();

  EventLoop& loop_;
  asio::io_context& io_;
  const std::vector<std::unique_ptr<HostRun>>& hosts_;
  RunView& view_;
  std::optional<std::uint64_t> to_;
  std::chrono::milliseconds beat_every_;
  std::vector<HostPhase> phases_;
  std::vector<bool> over_;
  Timer beat_;
  asio::signal_set signals_;
  bool interrupted_ = false;
  bool abandoned_ = false;
  std::string taken_over_;
  std::optional<Clock::time_point> memory_failed_;  // last
};

}  // namespace kongfleet::controller
