// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/transactions.hpp"
#include "controller/event_loop.hpp"
#include "controller/host_link.hpp"

#include <array>
#include <list>
#include <optional>
#include <thread>

namespace kongfleet::cuts {

enum class Direction { ToHost, ToController };

/// Where a link is torn: once so many bytes have gone in that direction, over all connections
/// together, and not one more. Both ends see it end.
struct Cut {
  Direction direction = Direction::ToHost;
  std::size_t after = 0;
};

/// Connections to an agent in this process: each has an Interpreter and a Session of its own, as
/// the daemon has them. One of them is torn, those after it are whole. Waits for the agent's side
/// of all of them when it goes; links must be gone before.
class CutLinks final : public controller::HostLinks {
public:
  CutLinks(controller::EventLoop& loop, agent::Transactions& transactions, std::optional<Cut> cut)
      : loop_(loop), transactions_(transactions), cut_(cut) {}
  ~CutLinks() override;
  boost::asio::awaitable<std::unique_ptr<controller::HostLink>> open(
      const controller::HostAddress& host, const std::string& command) override;

  /// How many of so many bytes may pass; fewer or as many as the cut leaves: it is torn after them.
  struct Passage {
    std::size_t bytes;
    bool torn;
  };
  Passage pass(Direction direction, std::size_t bytes);
  std::size_t passed(Direction direction) const {
    return passed_.at(static_cast<std::size_t>(direction));
  }
  /// Whether the cut was reached.
  bool was_cut() const { return was_cut_; }

private:
  controller::EventLoop& loop_;
  agent::Transactions& transactions_;
  std::optional<Cut> cut_;
  std::array<std::size_t, 2> passed_{};
  bool was_cut_ = false;
  std::list<std::thread> threads_;
};

}  // namespace kongfleet::cuts
