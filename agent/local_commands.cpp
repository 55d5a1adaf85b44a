// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/local_commands.hpp"

#include "agent/agent_socket.hpp"
#include "agent/frame_socket.hpp"
#include "agent/history.hpp"
#include "agent/silent_agent.hpp"
#include "proto/error.hpp"
#include "proto/kongfleet.pb.h"
#include "proto/names.hpp"

#include <unistd.h>

#include <ctime>
#include <iostream>

namespace kongfleet::agent {

namespace {

constexpr auto answer_max = std::chrono::minutes(20);
constexpr auto look_max = std::chrono::seconds(20);  // a recovery may be under way, or nobody there

/// A conversation with the daemon on this host.
class Daemon {
public:
  explicit Daemon(const Config& config, std::chrono::milliseconds patience = answer_max)
      : socket_(connect_to(config.socket)), patience_(patience) {
    wire::ToAgent hello;
    hello.mutable_hello()->set_protocol(protocol_version);
    hello.mutable_hello()->set_controller("root on this host");
    hello.mutable_hello()->set_version(KONGFLEET_VERSION);
    host = ask(hello).welcome().host();
  }
  /// The answer that ends the exchange; progress on the way is printed to stderr.
  wire::ToController ask(const wire::ToAgent& message) {
    socket_.send(message.SerializeAsString(), patience_);
    while (auto body = socket_.receive(patience_)) {
      wire::ToController answer;
      if (!answer.ParseFromString(*body)) throw Error("the agent's answer can't be read");
      if (answer.has_refused()) throw Error(answer.refused().text());
      if (!answer.has_progress()) return answer;
      std::cerr << printable(answer.progress().step()) << " " << printable(answer.progress().text())
                << "\n";
    }
    throw Error("the agent closed the conversation; see 'journalctl -u kongfleet-agent'");
  }
  wire::HostState host;

private:
  FrameSocket socket_;
  std::chrono::milliseconds patience_;
};

void print_host(const wire::HostState& host) {
  std::cout << "state       " << printable(host.state()) << "\n";
  if (!host.advice().empty()) std::cout << "advice      " << printable(host.advice()) << "\n";
  std::cout << "kong        " << printable(host.kong_version()) << " (" << printable(host.role())
            << "), " << (host.unit().empty() ? "started by hand" : printable(host.unit())) << "\n"
            << "configured  " << printable(host.kong_conf()) << "\n"
            << "generation  " << host.generation() << (host.generation() == 0 ? " (baseline)" : "")
            << "\n";
  for (const auto& release : host.releases()) {
    std::cout << "release     " << printable(release.name()) << "@" << printable(release.version())
              << "\n";
  }
  if (host.draining() > 0)
    std::cout << "draining    " << host.draining() << " old workers end their connections\n";
  for (const auto& line : host.drift()) std::cout << "drift       " << printable(line) << "\n";
  if (host.has_open()) {
    std::cout << "open        " << printable(host.open().id()) << " of "
              << printable(host.open().holder()) << ", step " << printable(host.open().step())
              << "\n";
  }
}

}  // namespace

int print_status(const Config& config) {
  wire::HostState host;
  try {
    host = Daemon(config, look_max).host;
  } catch (const Error& error) {
    if (::geteuid() != 0) throw;  // the journal is root's
    return print_silent_agent(config, error.what(), std::cout);
  }
  print_host(host);
  if (host.state() == "stranded" || host.state() == "unmanageable") return 4;
  return host.drift().empty() && !host.has_open() ? 0 : 2;
}

int print_history(const Config& config, unsigned limit) {
  try {
    Daemon daemon(config, look_max);
    wire::ToAgent request;
    request.mutable_history()->set_limit(limit);
    const auto answer = daemon.ask(request);
    for (const auto& line : answer.history().lines()) std::cout << line << "\n";
  } catch (const Error& error) {
    std::cerr << "kongfleet-agent: " << printable(error.what()) << "; this is what its file says\n";
    for (const auto& line : History(config.state / "history.jsonl").last(limit))
      std::cout << line << "\n";
  }
  return 0;
}

int roll_back(const Config& config, std::optional<std::uint64_t> to) {
  Daemon daemon(config);
  wire::ToAgent request;
  auto& rollback = *request.mutable_rollback();
  rollback.set_transaction("local-" + std::to_string(std::time(nullptr)) + "-" +
                           std::to_string(::getpid()));
  if (to) rollback.set_to(*to);
  const auto answer = daemon.ask(request);
  const auto& outcome = answer.outcome();
  print_host(outcome.host());
  if (!outcome.cause().empty()) std::cout << "cause       " << printable(outcome.cause()) << "\n";
  if (outcome.result() == wire::Outcome::STRANDED) return 4;
  if (outcome.result() == wire::Outcome::REFUSED) return 5;
  const bool done =
      outcome.result() == wire::Outcome::COMMITTED || outcome.result() == wire::Outcome::UNCHANGED;
  return done || daemon.host.state() == "stranded" ? 0 : 3;
}

int verify_host(const Config& config) {
  const auto host = Daemon(config).host;
  for (const auto& line : host.drift()) std::cout << printable(line) << "\n";
  if (host.state() == "stranded" || host.state() == "unmanageable") {
    std::cout << printable(host.advice()) << "\n";
    return 4;
  }
  return host.drift().empty() ? 0 : 2;
}

}  // namespace kongfleet::agent
