// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/frame_socket.hpp"
#include "agent/places.hpp"
#include "agent/transactions.hpp"

#include <memory>
#include <string>

namespace kongfleet::agent {

/// One conversation with a controller (design.md section 4), from Hello until the peer closes, by
/// way of an interpreter (agent/interpreter.hpp). Neither of both is believed in anything: every
/// count and size has a limit, and a message that makes no sense ends the conversation. The
/// deadlines are kept here, for both.
class Session {
public:
  /// `channel`: to the interpreter. `tag` tells this conversation's received files from others'.
  /// `place`: is told how busy it is, if there is one.
  Session(Fd channel, Transactions& transactions, std::string tag, Place* place = nullptr);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  /// Talks until the peer closes. Throws Error when the conversation broke; a transaction under way
  /// is not harmed.
  void run();

private:
  struct Conversation;
  std::unique_ptr<Conversation> conversation_;
};

}  // namespace kongfleet::agent
