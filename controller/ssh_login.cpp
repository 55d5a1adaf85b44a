// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_login.hpp"

#include "controller/known_hosts.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <ctime>

namespace kongfleet::controller {
namespace {

constexpr auto agent_limit = std::chrono::seconds(10);  // to say which keys it holds

bool holds(const std::vector<AgentKey>& held, const std::string& blob) {
  const auto same = [&](const AgentKey& key) { return key.blob == blob; };
  return !blob.empty() && std::any_of(held.begin(), held.end(), same);
}

/// A default identity that is missing or not usable is passed over, as ssh does; one that was asked
/// for is an error.
SshIdentity* load(SshKeys& keys, const std::string& path, const SshHop& hop) {
  if (!hop.default_identities) return &keys.load(path);
  try {
    return &keys.load(path);
  } catch (const LinkError&) {
    return nullptr;
  }
}

std::string agent_key_text(const AgentKey& key) {
  return "ssh-agent '" + printable(key.comment, 80) + "' (" + HostKey{"", key.blob}.fingerprint() +
         ')';
}

/// A key as the message names it that says it was not taken. An old certificate is told to be one:
/// the host does not say why.
std::string tried_text(const SshKey& key) {
  const auto now = static_cast<std::uint64_t>(std::time(nullptr));
  const std::string objection = key.validity ? key.validity->objection(now) : "";
  return objection.empty() ? key.what : key.what + ", which " + objection;
}

/// What became of one try. Only Denied means that the next key may be tried.
enum class Tried { Accepted, Denied };

Tried judge(int result, SshSession& session, const SshStep& step) {
  if (result == SSH_AUTH_SUCCESS) return Tried::Accepted;
  if (result == SSH_AUTH_DENIED) return Tried::Denied;
  if (result == SSH_AUTH_PARTIAL) {
    session.fail(step, "the key was taken, but the host wants another proof besides");
  }
  session.fail(step);
}

}  // namespace

asio::awaitable<SshCredentials> prepare_credentials(const SshHop& hop, SshKeys& keys,
                                                    SshAgent& agent, SshHelpers& helpers) {
  SshCredentials credentials;
  credentials.agent.only_wanted = hop.identities_only;
  std::vector<SshIdentity*> locked;
  for (const std::string& path : hop.identity_files) {
    SshIdentity* identity = load(keys, path, hop);
    if (identity == nullptr) continue;
    if (!identity->public_blob.empty()) {
      credentials.agent.wanted.push_back(identity->public_blob);
    }
    if (identity->locked) locked.push_back(identity);
    credentials.keys.insert(credentials.keys.end(), identity->keys.begin(), identity->keys.end());
  }
  if (locked.empty()) co_return credentials;
  const AgentKeys agent_keys = co_await agent.keys(after(agent_limit));
  const std::vector<AgentKey>& held = agent_keys.keys;
  for (SshIdentity* identity : locked) {
    if (holds(held, identity->public_blob)) continue;
    // Nobody is asked for a key that merely lies in its usual place while there are others to try.
    if (hop.default_identities && (!credentials.keys.empty() || !held.empty())) continue;
    co_await keys.unlock(*identity, helpers);
    credentials.keys.insert(credentials.keys.end(), identity->keys.begin(), identity->keys.end());
  }
  co_return credentials;
}

asio::awaitable<void> log_in(SshSession& session, const SshCredentials& credentials,
                             SshAgent& agent, SshHelpers& helpers, const SshStep& step) {
  std::string tried;
  for (const SshKey& key : credentials.keys) {
    tried += (tried.empty() ? "" : ", ") + tried_text(key);
    const auto attempt = [&session, &key] {
      return ssh_userauth_publickey(session.raw(), nullptr, key.handle.get());
    };
    const int result = co_await session.drive(attempt, SSH_AUTH_AGAIN, step);
    if (judge(result, session, step) == Tried::Accepted) co_return;
  }
  const AgentKeys held = co_await agent.keys(step.deadline);
  const std::vector<AgentKey> offered = choose_agent_keys(held.keys, credentials.agent);
  if (!offered.empty()) {
    for (const AgentKey& key : offered) tried += (tried.empty() ? "" : ", ") + agent_key_text(key);
    const int result = co_await agent.log_in(session, offered, helpers, step);
    if (judge(result, session, step) == Tried::Accepted) co_return;
  }
  std::string why = tried.empty() ? "there is no key to log in with: name one in the fleet file or "
                                    "in ~/.ssh/config, or load one into an ssh-agent"
                                  : "the host takes none of our keys: " + tried;
  if (!held.trouble.empty()) why += "; " + held.trouble;
  session.fail(step, why);
}

}  // namespace kongfleet::controller
