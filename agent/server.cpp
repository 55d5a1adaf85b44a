// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/server.hpp"

#include "agent/agent_socket.hpp"
#include "agent/interpreter_factory.hpp"
#include "agent/log.hpp"
#include "agent/places.hpp"
#include "agent/scratch.hpp"
#include "agent/service_manager.hpp"
#include "agent/session.hpp"
#include "agent/standing.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <future>
#include <iostream>
#include <thread>

namespace kongfleet::agent {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Without descriptors, threads or memory. Whoever waits at the socket is heard soon after there is
// some again, and until then poll(2) would not wait at all.
constexpr auto trouble_pause = milliseconds(200);
constexpr auto trouble_told_every = std::chrono::minutes(1);

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
  int patience(Clock::time_point now) const;
  void accept_one(const Fd& listening);
  void start_talk(uid_t user, Fd socket);
  void talk(Fd socket, Place& place, unsigned long number);
  void pause_after(const std::string& trouble);

  const Config& config_;
  const Fd stop_ = signals();
  const InterpreterFactory factory_;  // before there are threads, and locks it would share
  ServiceManager manager_;
  Fd lock_;
  Transactions transactions_;
  Places places_;
  unsigned long conversations_ = 0;
  Clock::time_point accept_from_{};
  Clock::time_point tell_from_{};
};

int Server::run() {
  const auto passed = manager_.listening_socket();
  const Fd listening = passed ? Fd(*passed) : listen_at(config_.socket, config_.group);
  transactions_.tell_of_open([this](const std::optional<OpenState>& open) {
    manager_.notify("STATUS=" + standing_text(open));
  });
  const auto recovered = transactions_.recover(Witness::AfterDeath);
  if (recovered.result != Result::Unchanged) {
    log_info("recovery: " + std::string(result_name(recovered.result)) + ": " + recovered.cause);
  }
  log_info("ready, version " KONGFLEET_VERSION);
  manager_.notify("READY=1");
  while (true) {
    const auto now = Clock::now();
    const bool accepts = now >= accept_from_;
    pollfd fds[] = {{stop_.get(), POLLIN, 0},
                    {accepts ? listening.get() : -1, POLLIN, 0},
                    {factory_.death(), POLLIN, 0}};
    const int ready = ::poll(fds, 3, patience(now));
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

// In milliseconds: the watchdog wants to hear of us, and a pause ends.
int Server::patience(Clock::time_point now) const {
  const auto interval = manager_.watchdog_interval();
  const auto left = std::chrono::ceil<milliseconds>(accept_from_ - now);
  if (left.count() <= 0) return interval.count() > 0 ? static_cast<int>(interval.count()) : -1;
  return static_cast<int>((interval.count() > 0 ? std::min(interval, left) : left).count());
}

// What there is not enough of for a conversation costs that one alone.
void Server::accept_one(const Fd& listening) {
  try {
    Fd socket(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket && (errno == EINTR || errno == EAGAIN || errno == ECONNABORTED)) return;
    if (!socket) throw_errno("hear who connects");
    const auto user = peer_user(socket);
    if (may_speak(user, config_.group)) return start_talk(user, std::move(socket));
    log_warning("turned away uid " + std::to_string(user) + ": not in group " + config_.group);
  } catch (const std::exception& error) {
    pause_after(error.what());
  }
}

void Server::start_talk(uid_t user, Fd socket) {
  auto place = places_.take(user);
  if (!place) {
    log_warning("turned away uid " + std::to_string(user) + ": too many conversations");
    return;
  }
  const auto number = ++conversations_;
  const auto talks = [this, number](Fd mine, std::unique_ptr<Place> its) {
    talk(std::move(mine), *its, number);
  };
  std::thread(talks, std::move(socket), std::move(place)).detach();
}

void Server::pause_after(const std::string& trouble) {
  const auto now = Clock::now();
  accept_from_ = now + trouble_pause;
  if (now < tell_from_) return;
  tell_from_ = now + trouble_told_every;
  log_warning("a conversation could not begin: " + trouble);
}

void Server::talk(Fd socket, Place& place, unsigned long number) {
  try {
    Fd channel = factory_.start(socket, number);
    socket = Fd();
    Session(std::move(channel), transactions_, std::to_string(number), &place).run();
  } catch (const std::exception& error) {
    log_info("conversation " + std::to_string(number) + ": " + error.what());
  }
  factory_.over(number);
}

}  // namespace

int serve(const Config& config, Gateway& gateway) { return Server(config, gateway).run(); }

int recover_now(const Config& config, Gateway& gateway) {
  const auto lock = lock_state(config);
  Transactions transactions(config, gateway);
  // systemd.exec(5): set where a service is over, as for our ExecStopPost. Kong lives then.
  const bool stops = std::getenv("SERVICE_RESULT") != nullptr;
  const auto outcome = transactions.recover(stops ? Witness::AfterDeath : Witness::BeforeKong);
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
