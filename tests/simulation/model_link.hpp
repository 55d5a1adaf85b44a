// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/host_link.hpp"
#include "tests/simulation/world.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kongfleet::simulation {

class ModelHost;

/// One connection between a controller and a host, with what is under way in it.
struct Wire {
  std::size_t host = 0;
  std::uint64_t number = 0;
  milliseconds latency{0};
  // Bytes until it breaks, in each direction.
  std::size_t to_host = SIZE_MAX;
  std::size_t to_controller = SIZE_MAX;
  bool breaks_silently = false;  // the ends are not told
  Time host_last{};              // when what was sent last arrives: nothing overtakes it
  Time controller_last{};
  bool broken = false;
  bool controller_open = true;
  bool host_open = true;
  // What arrived at the controller.
  std::string inbox;
  bool ended = false;  // in order
  bool lost = false;
  controller::Timer* waiting = nullptr;
};

/// What one host's network does: while it is away nothing gets through, and what was sent arrives
/// when it is back, or never.
struct Weather {
  std::size_t refuses_one_in = 0;  // connections
  std::size_t breaks_one_in = 0;
  std::size_t late_one_in = 0;  // messages
  milliseconds late_most{0};
  std::size_t twice_one_in = 0;  // messages, either way
  struct Absence {
    Time from;
    Time until;
  };
  std::vector<Absence> absences;
};

/// The network of one controller process: real conversations over connections that break.
class ModelLinks final : public controller::HostLinks {
public:
  ModelLinks(World& world, std::vector<std::unique_ptr<ModelHost>>& hosts)
      : world_(world), hosts_(hosts) {}
  boost::asio::awaitable<std::unique_ptr<controller::HostLink>> open(
      const controller::HostAddress& host, const std::string& command) override;
  /// The process, or its machine, dies: hosts see its connections end, or, for a while, nothing.
  void die(milliseconds unseen_for) { unseen_for_ = unseen_for; }
  milliseconds unseen_for() const { return unseen_for_; }
  /// Called for each message that a controller begins to write.
  std::function<void(std::size_t host, const std::string& frame)> said;

private:
  World& world_;
  std::vector<std::unique_ptr<ModelHost>>& hosts_;
  milliseconds unseen_for_{0};
};

/// Puts bytes of a host on the wire.
void send_to_controller(World& world, ModelHost& host, const std::shared_ptr<Wire>& wire,
                        const std::string& bytes);
/// The host's end goes: in order, or as a machine that dies does, with or without a word.
enum class WireEnd { Close, Reset, Silence };
void end_from_host(World& world, ModelHost& host, const std::shared_ptr<Wire>& wire, WireEnd how);

}  // namespace kongfleet::simulation
