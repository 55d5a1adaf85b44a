// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/cuts/cut_links.hpp"

#include "agent/interpreter.hpp"
#include "agent/session.hpp"
#include "proto/error.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

namespace kongfleet::cuts {

namespace asio = boost::asio;
using controller::LinkError;
using controller::LinkFault;
using std::chrono::milliseconds;

namespace {

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

class CutLink final : public controller::HostLink {
public:
  CutLink(asio::local::stream_protocol::socket near, CutLinks& links)
      : near_(std::move(near)), links_(links) {}

  asio::awaitable<void> write(std::string bytes, milliseconds) override {
    check_whole();
    const auto passage = links_.pass(Direction::ToHost, bytes.size());
    const auto part = asio::buffer(bytes.data(), passage.bytes);
    // An agent that ended the conversation is heard of by the next read.
    [[maybe_unused]] const auto gone = co_await asio::async_write(near_, part, quietly);
    if (passage.torn) close();
    check_whole();
  }

  asio::awaitable<std::string> read(milliseconds limit) override {
    check_whole();
    // It ends with the call: a timer that fires too late finds nothing to cancel.
    const auto call = std::make_shared<bool>();
    asio::steady_timer timer(near_.get_executor(), limit);
    timer.async_wait([this, call = std::weak_ptr(call)](boost::system::error_code stopped) {
      if (!stopped && !call.expired()) near_.cancel();
    });
    constexpr std::size_t most = 65536;
    std::string bytes(most, '\0');
    const auto room = asio::buffer(bytes);
    const auto [error, size] = co_await near_.async_read_some(room, quietly);
    if (error == asio::error::operation_aborted)
      throw LinkError(LinkFault::Timeout, "nothing was heard in time");
    if (error || size == 0) co_return "";
    const auto passage = links_.pass(Direction::ToController, size);
    if (passage.torn) close();
    if (passage.bytes == 0) check_whole();
    bytes.resize(passage.bytes);
    co_return bytes;
  }

  std::string remote_stderr() const override { return ""; }
  std::optional<int> exit_status() const override { return std::nullopt; }
  std::string host_key_fingerprint() const override { return "SHA256:key"; }
  void close() noexcept override {
    boost::system::error_code none;
    near_.close(none);
  }

private:
  void check_whole() const {
    if (!near_.is_open()) throw LinkError(LinkFault::Lost, "the link was torn");
  }
  asio::local::stream_protocol::socket near_;
  CutLinks& links_;
};

std::pair<int, int> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw_errno("socketpair", "a link");
  return {ends[0], ends[1]};
}

}  // namespace

CutLinks::~CutLinks() {
  for (auto& thread : threads_) thread.join();
}

CutLinks::Passage CutLinks::pass(Direction direction, std::size_t bytes) {
  auto& passed = passed_.at(static_cast<std::size_t>(direction));
  const bool may_tear = cut_ && !was_cut_ && cut_->direction == direction;
  const bool tears = may_tear && passed + bytes >= cut_->after;
  if (tears) {
    was_cut_ = true;
    bytes = cut_->after - passed;
  }
  passed += bytes;
  return {bytes, tears};
}

asio::awaitable<std::unique_ptr<controller::HostLink>> CutLinks::open(
    const controller::HostAddress&, const std::string&) {
  const auto [near, far] = socket_pair();
  const auto [daemon, interpreter] = socket_pair();
  asio::local::stream_protocol::socket end(loop_.io(), asio::local::stream_protocol(), near);
  threads_.emplace_back([peer = far, channel = interpreter] {
    agent::Interpreter(agent::Fd(peer), agent::Fd(channel)).run();
  });
  threads_.emplace_back([this, channel = daemon, tag = std::to_string(threads_.size())] {
    try {
      agent::Session(agent::Fd(channel), transactions_, tag).run();
    } catch (const std::exception&) {
      return;  // a conversation that broke ends its session and nothing else
    }
  });
  std::unique_ptr<controller::HostLink> link = std::make_unique<CutLink>(std::move(end), *this);
  co_return link;
}

}  // namespace kongfleet::cuts
