// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_helpers.hpp"
#include "controller/ssh_session.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// A key an ssh-agent holds.
struct AgentKey {
  std::string blob;
  std::string comment;
};

/// What an agent holds; where it could not be asked, why.
struct AgentKeys {
  std::vector<AgentKey> keys;
  std::string trouble;
};

/// The keys in an agent's answer (draft-miller-ssh-agent, 3.5), without its length; nothing when it
/// is not such an answer.
std::optional<std::vector<AgentKey>> parse_agent_keys(std::string_view answer);

/// The answer that tells of `keys`.
std::string agent_keys_answer(const std::vector<AgentKey>& keys);

/// Which keys a host is offered: those in `wanted` (public blobs, in this order) and then, unless
/// `only_wanted`, the others; at most `most`, because a host hangs up after a few.
struct AgentChoice {
  std::vector<std::string> wanted;
  bool only_wanted = false;
  std::size_t most = 5;
};
std::vector<AgentKey> choose_agent_keys(const std::vector<AgentKey>& held,
                                        const AgentChoice& choice);

/// The user's ssh-agent. libssh can only talk to one by blocking, and would offer every key it
/// holds. So libssh runs on a helper thread for that while, and talks to a relay of ours which
/// knows of the chosen keys only and passes the signing on; ending the relay ends libssh's wait.
class SshAgent {
public:
  /// `socket` is what SSH_AUTH_SOCK says; empty: there is no agent.
  SshAgent(asio::any_io_executor executor, std::string socket);
  ~SshAgent();
  SshAgent(const SshAgent&) = delete;
  SshAgent& operator=(const SshAgent&) = delete;

  bool configured() const { return !socket_.empty(); }

  /// The keys it holds now. Where it cannot be reached, or does not answer before `deadline`, there
  /// are none, and the trouble says why.
  asio::awaitable<AgentKeys> keys(Deadline deadline);

  /// Logs `session` in with one of `offered`; gives what ssh_userauth_agent() gave. Throws
  /// LinkError(Timeout) when the agent, or the host, takes too long.
  asio::awaitable<int> log_in(SshSession& session, std::vector<AgentKey> offered,
                              SshHelpers& helpers, const SshStep& step);

private:
  struct Relay;
  static asio::awaitable<void> serve(std::shared_ptr<Relay> relay);
  std::shared_ptr<Relay> start(ssh_session session, std::vector<AgentKey> offered,
                               const SshStep& step);

  asio::any_io_executor executor_;
  std::string socket_;
  std::vector<std::weak_ptr<Relay>> relays_;
};

}  // namespace kongfleet::controller
