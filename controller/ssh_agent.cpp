// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_agent.hpp"

#include "controller/ssh_wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace kongfleet::controller {
namespace {

using Socket = asio::local::stream_protocol::socket;

constexpr char request_identities = 11;        // SSH_AGENTC_REQUEST_IDENTITIES
constexpr char identities_answer = 12;         // SSH_AGENT_IDENTITIES_ANSWER
constexpr char sign_response = 14;             // SSH_AGENT_SIGN_RESPONSE
constexpr std::size_t frame_max = 256 * 1024;  // what OpenSSH's agent and libssh allow

asio::awaitable<std::string> read_frame(Socket& socket) {
  std::array<char, 4> head{};
  co_await asio::async_read(socket, asio::buffer(head), asio::use_awaitable);
  std::string_view view(head.data(), head.size());
  const std::size_t length = take_u32(view).value_or(0);
  if (length == 0 || length > frame_max) throw Error("a frame of an impossible length");
  std::string frame(length, '\0');
  co_await asio::async_read(socket, asio::buffer(frame), asio::use_awaitable);
  co_return frame;
}

asio::awaitable<void> write_frame(Socket& socket, std::string payload) {
  std::string frame;
  put_string(frame, payload);
  co_await asio::async_write(socket, asio::buffer(frame), asio::use_awaitable);
}

/// Asks over `agent` which keys it has and gives its answer. Throws when `deadline` passes first.
asio::awaitable<std::string> ask(std::shared_ptr<Socket> agent, std::string socket,
                                 Deadline deadline) {
  asio::steady_timer timer(co_await asio::this_coro::executor, deadline);
  timer.async_wait([agent](const boost::system::error_code& error) {
    boost::system::error_code ignored;
    if (!error) agent->close(ignored);
  });
  const asio::local::stream_protocol::endpoint endpoint(socket);
  co_await agent->async_connect(endpoint, asio::use_awaitable);
  co_await write_frame(*agent, std::string(1, request_identities));
  std::string answer = co_await read_frame(*agent);
  co_return answer;
}

/// libssh writes to its agent without MSG_NOSIGNAL. The signal would come to this very thread.
void ignore_broken_pipes() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  (void)pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

std::optional<std::vector<AgentKey>> parse_agent_keys(std::string_view answer) {
  if (!answer.starts_with(identities_answer)) return std::nullopt;
  answer.remove_prefix(1);
  const std::optional<std::size_t> count = take_u32(answer);
  if (!count || *count > answer.size() / 8) return std::nullopt;
  std::vector<AgentKey> keys;
  for (std::size_t i = 0; i < *count; ++i) {
    std::optional<std::string> blob = take_string(answer);
    std::optional<std::string> comment = take_string(answer);
    if (!blob || !comment) return std::nullopt;
    keys.push_back({std::move(*blob), std::move(*comment)});
  }
  return keys;
}

std::string agent_keys_answer(const std::vector<AgentKey>& keys) {
  std::string answer(1, identities_answer);
  put_u32(answer, keys.size());
  for (const AgentKey& key : keys) {
    put_string(answer, key.blob);
    put_string(answer, key.comment);
  }
  return answer;
}

std::vector<AgentKey> choose_agent_keys(const std::vector<AgentKey>& held,
                                        const AgentChoice& choice) {
  std::vector<AgentKey> chosen;
  const auto add = [&](const AgentKey& key) {
    const auto same = [&](const AgentKey& other) { return other.blob == key.blob; };
    if (chosen.size() < choice.most && std::none_of(chosen.begin(), chosen.end(), same)) {
      chosen.push_back(key);
    }
  };
  for (const std::string& blob : choice.wanted) {
    for (const AgentKey& key : held) {
      if (key.blob == blob) add(key);
    }
  }
  if (!choice.only_wanted) std::for_each(held.begin(), held.end(), add);
  return chosen;
}

/// Between libssh (`inner`) and the agent (`outer`).
struct SshAgent::Relay {
  explicit Relay(const asio::any_io_executor& executor) : inner(executor), outer(executor) {}
  void stop() {
    boost::system::error_code ignored;
    inner.close(ignored);
    outer.close(ignored);
  }
  Socket inner;
  Socket outer;
  std::string agent;
  std::vector<AgentKey> offered;
  bool refused = false;  // to sign, although libssh asked
};

SshAgent::SshAgent(asio::any_io_executor executor, std::string socket)
    : executor_(std::move(executor)), socket_(std::move(socket)) {}

SshAgent::~SshAgent() {
  for (const std::weak_ptr<Relay>& relay : relays_) {
    if (const std::shared_ptr<Relay> live = relay.lock()) live->stop();
  }
}

asio::awaitable<AgentKeys> SshAgent::keys(Deadline deadline) {
  AgentKeys held;
  if (!configured()) co_return held;
  const auto socket = std::make_shared<Socket>(executor_);
  std::string why = "its answer is not understood";
  try {
    const std::string answer = co_await ask(socket, socket_, deadline);
    std::optional<std::vector<AgentKey>> keys = parse_agent_keys(answer);
    if (keys) held.keys = std::move(*keys);
    if (keys) why.clear();
  } catch (const boost::system::system_error& error) {
    why = socket->is_open() ? error.code().message() : "no answer in time";
  } catch (const Error& error) {
    why = error.what();
  }
  if (!why.empty()) held.trouble = "the ssh-agent at '" + socket_ + "': " + why;
  co_return held;
}

asio::awaitable<void> SshAgent::serve(std::shared_ptr<Relay> relay) {
  const asio::local::stream_protocol::endpoint endpoint(relay->agent);
  co_await relay->outer.async_connect(endpoint, asio::use_awaitable);
  for (;;) {
    std::string request = co_await read_frame(relay->inner);
    std::string answer;
    if (request[0] == request_identities) {
      answer = agent_keys_answer(relay->offered);
    } else {
      co_await write_frame(relay->outer, std::move(request));
      answer = co_await read_frame(relay->outer);
      if (answer[0] != sign_response) relay->refused = true;
    }
    co_await write_frame(relay->inner, std::move(answer));
  }
}

std::shared_ptr<SshAgent::Relay> SshAgent::start(ssh_session session, std::vector<AgentKey> offered,
                                                 const SshStep& step) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw LinkError(step.fault, step.doing + ": " + std::generic_category().message(errno));
  }
  SshFd ours(ends[0]);
  SshFd theirs(ends[1]);
  const auto relay = std::make_shared<Relay>(executor_);
  relay->inner.assign(asio::local::stream_protocol(), ours.get());
  (void)ours.release();
  relay->agent = socket_;
  relay->offered = std::move(offered);
  if (ssh_set_agent_socket(session, theirs.get()) == SSH_OK) (void)theirs.release();
  std::erase_if(relays_, [](const std::weak_ptr<Relay>& old) { return old.expired(); });
  relays_.push_back(relay);
  // However it ends, libssh sees its agent hang up, and says so.
  asio::co_spawn(executor_, serve(relay), [relay](std::exception_ptr) { relay->stop(); });
  return relay;
}

asio::awaitable<int> SshAgent::log_in(SshSession& session, std::vector<AgentKey> offered,
                                      SshHelpers& helpers, const SshStep& step) {
  const std::shared_ptr<Relay> relay = start(session.raw(), std::move(offered), step);
  asio::steady_timer timer(executor_, step.deadline);
  timer.async_wait([relay](const boost::system::error_code& error) {
    if (!error) relay->stop();
  });
  const auto work = [raw = session.raw()] {
    ignore_broken_pipes();
    return ssh_userauth_agent(raw, nullptr);
  };
  int result = SSH_AUTH_AGAIN;
  bool late = false;
  std::chrono::steady_clock::duration by_agent{};
  const auto began = std::chrono::steady_clock::now();
  for (;;) {
    const auto begin = std::chrono::steady_clock::now();
    result = co_await run_on<int>(helpers.signing(), work);
    // Where this link waited for a thread, others were waiting for the agent on all of them.
    const auto end = std::chrono::steady_clock::now();
    by_agent += end - begin;
    late = end >= step.deadline;
    if (result != SSH_AUTH_AGAIN || late) break;
    try {
      co_await session.wait(step);
    } catch (const LinkError& error) {
      // The host's answers were given what the agent had left of the time.
      const bool mostly = by_agent > (std::chrono::steady_clock::now() - began) / 2;
      if (error.fault() != LinkFault::Timeout || !mostly) throw;
      throw LinkError(
          error.fault(),
          std::string(error.what()) + "; the ssh-agent, or the wait for it, took most of the time");
    }
  }
  relay->stop();
  if (late && result != SSH_AUTH_SUCCESS) {
    throw LinkError(LinkFault::Timeout,
                    session.who() + ": " + step.doing + ": the ssh-agent did not answer in time");
  }
  // libssh takes a refusal for a lack of memory.
  if (relay->refused && result != SSH_AUTH_SUCCESS) {
    session.fail(step, "the ssh-agent would not sign with the key that the host takes");
  }
  co_return result;
}

}  // namespace kongfleet::controller
