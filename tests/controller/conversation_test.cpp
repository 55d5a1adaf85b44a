// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/conversation.hpp"

#include "controller/clock.hpp"
#include "controller/event_loop.hpp"
#include "proto/framing.hpp"

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

#include <climits>

namespace kongfleet::controller {

namespace {

using std::chrono::seconds;

/// A clock that only moves when it is told to.
struct StoppedClock final : ClockSource {
  StoppedClock() { Clock::source = this; }
  ~StoppedClock() override { Clock::source = nullptr; }
  StoppedClock(const StoppedClock&) = delete;
  StoppedClock& operator=(const StoppedClock&) = delete;
  Steady::time_point now() override { return time; }
  std::int64_t wall_ms() override { return 0; }
  Steady::duration sleep(Steady::duration) override { return {}; }
  Steady::time_point time{seconds(1000)};
};

/// A host that needs `pace` for every message.
class SlowLink final : public HostLink {
public:
  SlowLink(StoppedClock& clock, seconds pace, int& taken)
      : clock_(clock), pace_(pace), taken_(taken) {}
  asio::awaitable<void> write(std::string, std::chrono::milliseconds limit) override {
    if (limit < pace_) throw LinkError(LinkFault::Timeout, "too slow");
    clock_.time += pace_;
    ++taken_;
    co_return;
  }
  asio::awaitable<std::string> read(std::chrono::milliseconds) override { co_return ""; }
  std::string remote_stderr() const override { return ""; }
  std::optional<int> exit_status() const override { return std::nullopt; }
  std::string host_key_fingerprint() const override { return ""; }
  void close() noexcept override {}

private:
  StoppedClock& clock_;
  seconds pace_;
  int& taken_;
};

/// How many messages a host took of content of `messages`, and how that ended.
struct Sent {
  int taken = 0;
  bool all = false;
  std::string trouble;
};

/// To a host of that pace, within `limit`, and until `stop_after` messages.
Sent send(seconds pace, std::size_t messages, seconds limit, int stop_after = INT_MAX) {
  StoppedClock clock;
  EventLoop loop;
  Sent sent;
  Conversation conversation(std::make_unique<SlowLink>(clock, pace, sent.taken));
  auto content = std::make_shared<const std::string>(messages * blob_bytes_max, 'x');
  const auto note = [&](const std::exception_ptr& thrown, bool all) {
    sent.all = !thrown && all;
    try {
      rethrow(thrown);
    } catch (const LinkError& error) {
      CHECK(error.fault() == LinkFault::Timeout);
      sent.trouble = error.what();
    }
  };
  const auto goes_on = [&] { return sent.taken < stop_after; };
  asio::co_spawn(loop.io(), conversation.send_content(content, clock.time + limit, goes_on), note);
  loop.run();
  return sent;
}

}  // namespace

TEST_CASE("a host that takes content a little at a time is given up at its deadline") {
  const auto sent = send(seconds(29), 1000, seconds(300));
  CHECK(sent.taken == 11);
  CHECK(
      sent.trouble ==
      "the host took 2883584 of the 262144000 bytes that it needs before its 'deadline' was over; "
      "where its link is that slow, roll out with a longer one");
}

TEST_CASE("a slow host that has it all within its deadline is not given up") {
  const auto sent = send(seconds(29), 10, seconds(300));
  CHECK(sent.taken == 10);
  CHECK(sent.all);
  CHECK(sent.trouble.empty());
}

TEST_CASE("content is sent no further when its host may not begin any more") {
  const auto sent = send(seconds(1), 10, seconds(300), 4);
  CHECK(sent.taken == 4);
  CHECK_FALSE(sent.all);
  CHECK(sent.trouble.empty());
}

}  // namespace kongfleet::controller
