// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_links.hpp"

#include "controller/ssh_bridge.hpp"
#include "controller/ssh_dial.hpp"
#include "controller/ssh_host_link.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace kongfleet::controller {
namespace {

// A session and its watch take two descriptors; with a jump host it is two more, and a socket pair.
constexpr rlim_t descriptors_per_link = 8;
constexpr rlim_t descriptors_besides = 256;

void raise_descriptor_limit(std::size_t links) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = links * descriptors_per_link + descriptors_besides;
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // where it stays low, a link fails and says why
}

std::string place_of(const SshHop& hop) {
  return '\'' + hop.host + "' port " + std::to_string(hop.port);
}

std::string who_at(const std::string& name, const SshRoute& route, std::size_t index) {
  const std::string host = "host '" + name + '\'';
  return index + 1 == route.size() ? host : host + ", jump host '" + route[index].name + '\'';
}

}  // namespace

SshLinks::SshLinks(asio::any_io_executor executor, SshSettings settings)
    : executor_(executor),
      settings_(std::move(settings)),
      config_(SshConfig::load(settings_.config_files, settings_.home)),
      keys_(executor, settings_.ask_passphrase),
      agent_(executor, settings_.agent_socket),
      open_(executor, settings_.max_connections),
      connecting_(executor, settings_.max_connecting) {
  raise_descriptor_limit(settings_.max_connections);
}

asio::awaitable<std::unique_ptr<HostLink>> SshLinks::open(const HostAddress& host,
                                                          const std::string& command) {
  // Copied here and now: what is awaited may begin only when what was referred to is gone.
  return open_link(host, command);
}

asio::awaitable<std::unique_ptr<HostLink>> SshLinks::open_link(HostAddress host,
                                                               std::string command) {
  const SshRoute route = find_route(host, settings_, config_);
  SshLinkParts parts;
  parts.place = co_await open_.enter();
  SshAdmission::Place connecting = co_await connecting_.enter();
  Reached reached = co_await reach(host.name, route);
  connecting.leave();
  parts.session = std::move(reached.session);
  parts.channel = std::make_unique<SshChannel>(*parts.session);
  parts.fingerprint = reached.fingerprint;
  parts.bridge_trouble = reached.bridge_trouble;
  const SshStep step(LinkFault::Exec, "starting '" + command + '\'', settings_.connect_timeout);
  try {
    co_await parts.channel->exec(command, step);
  } catch (const LinkError& error) {
    throw with_trouble(error, parts.bridge_trouble);
  }
  co_return std::make_unique<SshHostLink>(std::move(parts));
}

asio::awaitable<SshLinks::Reached> SshLinks::reach(const std::string& name, const SshRoute& route) {
  const std::vector<SshCredentials> credentials = co_await prepare(route);
  Attempt attempt;
  for (std::size_t i = 0;; ++i) {
    const bool is_last = i + 1 == route.size();
    attempt.who = who_at(name, route, i);
    attempt.hop = &route[i];
    SshAdmission::Place place;
    if (!is_last) place = co_await jump_admission(route[i]).enter();
    if (i == 0) attempt.fd = co_await connect(attempt);
    Reached reached = co_await enter(attempt, credentials[i]);
    if (is_last) co_return reached;
    place.leave();
    co_await onward(attempt, std::move(reached), route[i + 1]);
  }
}

asio::awaitable<std::vector<SshCredentials>> SshLinks::prepare(const SshRoute& route) {
  std::vector<SshCredentials> all;
  for (const SshHop& hop : route) {
    SshCredentials credentials = co_await prepare_credentials(hop, keys_, agent_, helpers_);
    all.push_back(std::move(credentials));
  }
  co_return all;
}

asio::awaitable<SshFd> SshLinks::connect(const Attempt& attempt) {
  const DialTarget target{attempt.who, attempt.hop->host, attempt.hop->port,
                          settings_.connect_timeout};
  std::vector<SocketAddress> addresses = co_await look_up(target, helpers_);
  co_return co_await dial(target, std::move(addresses));
}

asio::awaitable<SshLinks::Reached> SshLinks::enter(Attempt& attempt,
                                                   const SshCredentials& credentials) {
  const SshHop& hop = *attempt.hop;
  Reached reached;
  reached.session = std::make_unique<SshSession>(executor_, attempt.who);
  reached.bridge_trouble = attempt.bridge_trouble;
  SshSession& session = *reached.session;
  try {
    const KnownHosts& known = known_hosts(hop.known_hosts);
    const KnownHost on_file = known.find(hop.host_key_name, hop.host_key_port);
    const SshStep exchange(LinkFault::Connect, "exchanging keys with " + place_of(hop),
                           settings_.connect_timeout);
    const HostKey key =
        co_await session.handshake(std::move(attempt.fd), hop.user, on_file.key_types(), exchange);
    const std::optional<std::string> refusal = known.refusal(on_file, key);
    if (refusal) throw LinkError(LinkFault::HostKey, attempt.who + ": " + *refusal);
    reached.fingerprint = key.fingerprint();
    const SshStep login(LinkFault::Auth, "logging in as '" + hop.user + '\'',
                        settings_.auth_timeout);
    co_await log_in(session, credentials, agent_, helpers_, login);
  } catch (const LinkError& error) {
    throw with_trouble(error, attempt.bridge_trouble);
  }
  co_return reached;
}

asio::awaitable<void> SshLinks::onward(Attempt& attempt, Reached reached, const SshHop& next) {
  SshBridge bridge;
  bridge.session = std::move(reached.session);
  bridge.channel = std::make_unique<SshChannel>(*bridge.session);
  const SshStep step(LinkFault::Connect, "connecting on to " + place_of(next),
                     settings_.connect_timeout);
  try {
    co_await bridge.channel->forward(next.host, next.port, step);
  } catch (const LinkError& error) {
    throw with_trouble(error, attempt.bridge_trouble);
  }
  attempt.bridge_trouble = bridge.trouble;
  attempt.fd = start_bridge(std::move(bridge));
}

const KnownHosts& SshLinks::known_hosts(const std::vector<std::filesystem::path>& files) {
  const auto found = known_hosts_.find(files);
  if (found != known_hosts_.end()) return found->second;
  try {
    return known_hosts_.emplace(files, KnownHosts::load(files)).first->second;
  } catch (const Error& error) {
    throw LinkError(LinkFault::Config, error.what());
  }
}

SshAdmission& SshLinks::jump_admission(const SshHop& hop) {
  const SshAdmission fresh(executor_, settings_.max_connecting_per_jump_host);
  return at_jump_host_.try_emplace(place_of(hop), fresh).first->second;
}

std::vector<std::string> SshLinks::notes() const {
  std::vector<std::string> notes = config_.notes();
  for (const auto& [files, known] : known_hosts_) {
    for (const KnownHostsProblem& problem : known.problems()) {
      notes.push_back(problem.file + ':' + std::to_string(problem.line) + ": " + problem.why);
    }
  }
  return notes;
}

}  // namespace kongfleet::controller
