// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/error.hpp"
#include "proto/framing.hpp"
#include "proto/kongfleet.pb.h"
#include "tests/crash/child.hpp"
#include "tests/crash/release.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace kongfleet::crash {

/// The agent refused, in its words.
class RefusedError : public Error {
public:
  using Error::Error;
};

/// A controller's side of one conversation with an agent, straight over its socket. Every call
/// throws Error when the agent is gone or says nothing before the deadline, RefusedError when it
/// refuses.
class Conversation {
public:
  /// Connects and says Hello as soon as the agent listens: it answers when its recovery is over.
  /// `alive`: stops waiting for an agent that has ended.
  Conversation(const std::filesystem::path& socket, Clock::time_point deadline,
               const std::function<bool()>& alive);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// The host as the Welcome had it.
  const wire::HostState& host() const { return host_; }
  wire::HostState status();

  /// Proposes a release alone, and sends what the host lacks of it.
  wire::Plan propose(const Release& release);
  /// Up to the trial, whose lease is ten minutes, or to another end.
  wire::Outcome apply(const wire::Plan& plan, const std::string& transaction);
  wire::Outcome confirm(const std::string& transaction);
  wire::Outcome revert(const std::string& transaction);
  /// Back to a generation; to the one before when none is named.
  wire::Outcome roll_back(const std::string& transaction,
                          std::optional<std::uint64_t> to = std::nullopt);

private:
  void send(const wire::ToAgent& message);
  wire::ToController receive();
  wire::ToController ask(const wire::ToAgent& message);

  int socket_ = -1;
  Clock::time_point deadline_;
  FrameReader reader_;
  wire::HostState host_;
};

/// The whole of a good deploy: propose, apply, and confirm when it came to a trial. The last
/// outcome.
wire::Outcome deploy(Conversation& conversation, const Release& release,
                     const std::string& transaction);

}  // namespace kongfleet::crash
