// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/frame_socket.hpp"
#include "agent/transactions.hpp"

#include <memory>
#include <string>

namespace kongfleet::agent {

/// One conversation with a controller (design.md section 4), from Hello until the peer closes. What
/// the peer sends is believed in nothing: every count and size has a limit, and a message that
/// makes no sense ends the conversation.
class Session {
public:
  /// `tag` tells this conversation's received files from others'.
  Session(Fd socket, Transactions& transactions, std::string tag);
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
