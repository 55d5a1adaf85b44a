// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/clock.hpp"
#include "controller/host_link.hpp"
#include "proto/framing.hpp"
#include "proto/kongfleet.pb.h"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// The agent said no; nothing was changed. The text is the agent's, made printable.
class AgentRefused : public Error {
public:
  AgentRefused(std::string code, const std::string& text, std::string holder)
      : Error(text), code_(std::move(code)), holder_(std::move(holder)) {}
  const std::string& code() const { return code_; }
  /// The transaction that is open there; empty: none, or it does not say.
  const std::string& holder() const { return holder_; }

private:
  std::string code_;
  std::string holder_;
};

/// The bytes a host lacks, compressed once for all hosts that lack the same.
using SharedBytes = std::shared_ptr<const std::string>;

/// One conversation with one agent (design.md section 4). The messages' generated types are plain
/// data and are used as such by the controller. What the agent says is believed in nothing that
/// could harm us: every answer has a size and a deadline. All throw LinkError when the link fails,
/// AgentRefused when the agent says no, Error when it breaks the rules.
class Conversation {
public:
  using OnProgress = std::function<void(const wire::Progress&)>;

  explicit Conversation(std::unique_ptr<HostLink> link) : link_(std::move(link)) {}

  /// Must come first. An agent that isn't there or is too old is told apart by what it says
  /// instead.
  /// With a `proposal` right behind it, a round trip earlier than propose() could: hear_plan() is
  /// to be next. The Welcome must come within `limit`.
  asio::awaitable<wire::Welcome> hello(std::string controller, std::string rollout,
                                       std::optional<wire::Propose> proposal,
                                       std::chrono::milliseconds limit);
  asio::awaitable<wire::Plan> propose(wire::Propose proposal);
  asio::awaitable<wire::Plan> hear_plan();
  /// All of it before `until`: who takes a little now and then holds up a wave for hours. False
  /// when it `goes_on` no longer: then the conversation can only be ended.
  asio::awaitable<bool> send_content(SharedBytes compressed, Clock::time_point until,
                                     std::function<bool()> goes_on);
  asio::awaitable<wire::Outcome> apply(wire::Apply apply, OnProgress on_progress,
                                       std::chrono::milliseconds limit);
  asio::awaitable<wire::Outcome> confirm(std::string transaction);
  asio::awaitable<wire::Outcome> revert(std::string transaction, std::string reason);
  asio::awaitable<wire::Outcome> renew(std::string transaction,
                                       std::chrono::milliseconds confirm_timeout);
  asio::awaitable<wire::Outcome> rollback(wire::Rollback rollback, OnProgress on_progress,
                                          std::chrono::milliseconds limit);

  /// Of an agent that says it knows the question. Its answer's clock is compared with ours by
  /// whoever asks.
  asio::awaitable<wire::Checkup> check_up(wire::CheckupRequest request);

private:
  asio::awaitable<void> say(wire::ToAgent message);
  asio::awaitable<wire::ToController> hear(std::chrono::milliseconds limit);
  enum class Asked { Decision, Other };  // on a trial: it ends it
  asio::awaitable<wire::Outcome> hear_outcome(std::string transaction, OnProgress on_progress,
                                              std::chrono::milliseconds limit, Asked asked);
  std::optional<std::string> next_body();
  asio::awaitable<void> drop_old_renewals(std::string transaction);
  std::string why_ended() const;

  std::unique_ptr<HostLink> link_;
  FrameReader reader_;
  std::deque<std::string> kept_;  // whole bodies that came before they were asked for
  bool heard_ = false;
  std::string begun_;  // the first bytes that came, until a message was heard
};

}  // namespace kongfleet::controller
