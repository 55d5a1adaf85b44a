// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// HostRun's part that has the agent look at its host.
#include "controller/host_run.hpp"
#include "controller/state_database.hpp"

namespace kongfleet::controller {

asio::awaitable<void> HostRun::check_up() {
  trouble = Trouble::None;
  problem.clear();
  fault.reset();
  checkup.reset();
  try {
    co_await open();
    if (knows_checkup_) {
      wire::CheckupRequest request;
      for (const auto& plugin : host_.plugins) request.add_plugins(plugin);
      CheckupAnswer heard;
      heard.asked_ms = wall_clock_ms();
      heard.checkup = co_await conversation_->check_up(std::move(request));
      heard.answered_ms = wall_clock_ms();
      checkup = std::move(heard);
    }
    if (!parts_.keep_open) hang_up();
  } catch (const std::exception& error) {
    note(error);
  }
}

}  // namespace kongfleet::controller
