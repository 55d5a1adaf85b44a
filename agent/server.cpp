// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/server.hpp"

#include "agent/agent_socket.hpp"
#include "agent/interpreter_factory.hpp"
#include "agent/log.hpp"
#include "agent/scratch.hpp"
#include "agent/service_manager.hpp"
#include "agent/session.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <future>
#include <iostream>
#include <thread>

namespace kongfleet::agent {

namespace {

constexpr int sessions_max =
    32;  // a controller needs one, people a few; what exceeds it is turned away at once

// One agent changes a host: the lock is held as long as the process lives. What one that died left
// half made is cleared away.
Fd lock_state(const Config& config) {
  std::filesystem::create_directories(config.state);
  const auto path = config.state / "lock";
  Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) throw_errno("open", path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) throw Error("another agent holds '" + path.string() + "'");
    throw_errno("lock", path);
  }
  sweep_scratch(config.state);
  return lock;
}

Fd signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);  // before any thread is made: all of them inherit it
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) throw_errno("listen for signals");
  return fd;
}

class Server {
public:
  Server(const Config& config, Gateway& gateway)
      : config_(config), lock_(lock_state(config)), transactions_(config, gateway) {}

  int run();

private:
  void retire();
  void accept_one(const Fd& listening);
  void talk(Fd socket, unsigned long number);

  const Config& config_;
  const Fd stop_ = signals();
  const InterpreterFactory factory_;  // before there are threads, and locks it would share
  ServiceManager manager_;
  Fd lock_;
  Transactions transactions_;
  std::atomic<int> talking_ = 0;
  unsigned long conversations_ = 0;
};

int Server::run() {
  const auto passed = manager_.listening_socket();
  const Fd listening = passed ? Fd(*passed) : listen_at(config_.socket, config_.group);
  const auto recovered = transactions_.recover(Witness::AfterDeath);
  if (recovered.result != Result::Unchanged) {
    log_info("recovery: " + std::string(result_name(recovered.result)) + ": " + recovered.cause);
  }
  log_info("ready, version " KONGFLEET_VERSION);
  manager_.notify("READY=1\nSTATUS=Waiting for a controller");
  const auto interval = manager_.watchdog_interval().count() > 0 ? manager_.watchdog_interval()
                                                                 : std::chrono::milliseconds(-1);
  while (true) {
    pollfd fds[] = {
        {stop_.get(), POLLIN, 0}, {listening.get(), POLLIN, 0}, {factory_.death(), POLLIN, 0}};
    const int ready = ::poll(fds, 3, static_cast<int>(interval.count()));
    if (ready < 0 && errno != EINTR) throw_errno("wait for conversations");
    manager_.notify("WATCHDOG=1");
    if ((fds[0].revents & POLLIN) != 0) break;
    if (fds[2].revents != 0) {
      log_error("nobody is left to read what controllers send: the agent has to start again");
      std::quick_exit(1);
    }
    if ((fds[1].revents & POLLIN) != 0) accept_one(listening);
  }
  manager_.notify("STOPPING=1\nSTATUS=Taking back what is in trial");
  log_info("stopping");
  retire();
  std::quick_exit(0);
}

// Kong may need longer for its reload than the watchdog has patience.
void Server::retire() {
  const auto interval = manager_.watchdog_interval().count() > 0 ? manager_.watchdog_interval()
                                                                 : std::chrono::seconds(1);
  const auto retired = std::async(std::launch::async, [this] { transactions_.retire(); });
  while (retired.wait_for(interval) != std::future_status::ready) manager_.notify("WATCHDOG=1");
}

void Server::accept_one(const Fd& listening) {
  Fd socket(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) return;
  const auto user = peer_user(socket);
  if (!may_speak(user, config_.group)) {
    log_warning("turned away uid " + std::to_string(user) + ": not in group " + config_.group);
    return;
  }
  if (talking_ >= sessions_max) {
    log_warning("turned away uid " + std::to_string(user) + ": too many conversations");
    return;
  }
  ++talking_;
  std::thread([this, number = ++conversations_](Fd mine) { talk(std::move(mine), number); },
              std::move(socket))
      .detach();
}

void Server::talk(Fd socket, unsigned long number) {
  try {
    Fd channel = factory_.start(socket, number);
    socket = Fd();
    Session(std::move(channel), transactions_, std::to_string(number)).run();
  } catch (const std::exception& error) {
    log_info("conversation " + std::to_string(number) + ": " + error.what());
  }
  factory_.over(number);
  --talking_;
}

}  // namespace

int serve(const Config& config, Gateway& gateway) { return Server(config, gateway).run(); }

int recover_now(const Config& config, Gateway& gateway) {
  const auto lock = lock_state(config);
  Transactions transactions(config, gateway);
  const auto outcome = transactions.recover(Witness::BeforeKong);
  try {
    const auto facts = gateway.inspect();
    if (!facts.running) gateway.make_way(facts);
  } catch (const std::exception& error) {
    log_info(std::string("nothing is known of Kong here: ") + error.what());
  }
  if (outcome.result == Result::Unchanged) return 0;
  std::cout << "transaction " << printable(outcome.transaction) << ": "
            << result_name(outcome.result) << ": " << printable(outcome.cause) << "\n";
  return outcome.result == Result::Stranded ? 4 : 0;
}

}  // namespace kongfleet::agent
