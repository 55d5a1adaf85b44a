// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/model_link.hpp"

#include "tests/simulation/model_host.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace kongfleet::simulation {

namespace asio = boost::asio;
using controller::LinkError;
using controller::LinkFault;

namespace {

constexpr auto connect_timeout = std::chrono::seconds(10);
constexpr auto retransmits_for = std::chrono::minutes(15);  // TCP's patience
constexpr auto notices_after = std::chrono::minutes(2);     // keepalive's

void wake(const Wire& wire) {
  if (wire.waiting != nullptr) wire.waiting->cancel();
}

void lose(Wire& wire) {
  wire.lost = true;
  wake(wire);
}

/// When something that is sent now arrives, after all that was sent before; nothing: never.
std::optional<Time> arrival(World& world, ModelHost& host, const Wire& wire, Time last) {
  auto delay = Duration(wire.latency);
  const auto& weather = host.weather;
  if (world.chance.one_in(weather.late_one_in)) {
    delay += world.chance.ms(1, static_cast<std::size_t>(weather.late_most.count()));
    host.harmed("a message is late");
  }
  auto at = std::max(world.now() + delay, last);
  for (const auto& absence : weather.absences) {
    if (at < absence.from || at >= absence.until) continue;
    host.harmed("nothing gets through");
    if (absence.until - world.now() > retransmits_for) return std::nullopt;
    at = absence.until + wire.latency;
  }
  return at;
}

/// The network between the two is gone: who waits for the other finds out, soon or late.
void tear(World& world, ModelHost& host, const std::shared_ptr<Wire>& wire) {
  wire->broken = true;
  host.harmed("its link breaks");
  const auto soon = wire->breaks_silently ? Duration(notices_after) : Duration(wire->latency);
  world.after(soon, [wire] {
    if (wire->controller_open) lose(*wire);
  });
  world.after(soon + world.chance.ms(0, 1000), [wire, &host] { host.peer_gone(*wire); });
}

void send_to_host(World& world, ModelHost& host, const std::shared_ptr<Wire>& wire,
                  std::string bytes) {
  if (wire->broken) return;
  const bool breaks = bytes.size() > wire->to_host;
  if (breaks) bytes.resize(wire->to_host);
  if (wire->to_host != SIZE_MAX) wire->to_host -= bytes.size();
  const auto at = arrival(world, host, *wire, wire->host_last);
  if (at) wire->host_last = *at;
  if (at && !bytes.empty()) {
    world.after(*at - world.now(), [wire, &host, data = std::move(bytes)] {
      if (wire->host_open) host.receive(wire, data);
    });
  }
  if (breaks || !at) tear(world, host, wire);
}

class ModelLink final : public controller::HostLink {
public:
  ModelLink(World& world, ModelHost& host, std::shared_ptr<Wire> wire, const ModelLinks& links)
      : world_(world), host_(host), wire_(std::move(wire)), links_(links) {}
  ~ModelLink() override { close(); }

  asio::awaitable<void> write(std::string bytes, milliseconds) override {
    if (wire_->lost) throw LinkError(LinkFault::Lost, "the link is lost");
    if (links_.said) links_.said(wire_->host, bytes);
    send_to_host(world_, host_, wire_, std::move(bytes));
    co_return;
  }

  asio::awaitable<std::string> read(milliseconds limit) override {
    const auto wire = wire_;
    const auto deadline = Clock::now() + limit;
    controller::Timer timer(co_await asio::this_coro::executor);
    struct Waiting {
      Wire& wire;
      ~Waiting() { wire.waiting = nullptr; }
    } waiting{*wire};
    wire->waiting = &timer;
    while (wire->inbox.empty() && !wire->ended && !wire->lost) {
      if (Clock::now() >= deadline) throw LinkError(LinkFault::Timeout, "no answer in time");
      timer.expires_at(deadline);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (wire->inbox.empty() && wire->lost) throw LinkError(LinkFault::Lost, "the link is lost");
    co_return std::exchange(wire->inbox, "");
  }

  std::string remote_stderr() const override { return ""; }
  std::optional<int> exit_status() const override { return std::nullopt; }
  std::string host_key_fingerprint() const override {
    return "SHA256:key-" + std::to_string(wire_->host);
  }

  void close() noexcept override {
    if (!wire_->controller_open) return;
    wire_->controller_open = false;
    if (wire_->broken) return;
    auto at = arrival(world_, host_, *wire_, wire_->host_last).value_or(world_.now());
    if (links_.unseen_for().count() > 0) at = world_.now() + links_.unseen_for();
    world_.after(at - world_.now(), [wire = wire_, &host = host_] { host.peer_gone(*wire); });
  }

private:
  World& world_;
  ModelHost& host_;
  std::shared_ptr<Wire> wire_;
  const ModelLinks& links_;
};

}  // namespace

asio::awaitable<std::unique_ptr<controller::HostLink>> ModelLinks::open(
    const controller::HostAddress& address, const std::string&) {
  auto& host = *hosts_[static_cast<std::size_t>(std::stoul(address.name.substr(1)))];
  const auto wire = std::make_shared<Wire>();
  wire->host = host.number();
  wire->latency = world_.chance.ms(1, 40);
  controller::Timer timer(co_await asio::this_coro::executor);
  timer.expires_after(3 * wire->latency);
  co_await timer.async_wait(asio::use_awaitable);
  const bool away = !host.reachable();
  if (away) {
    host.harmed("it can't be reached");
    timer.expires_after(connect_timeout);
    co_await timer.async_wait(asio::use_awaitable);
    throw LinkError(LinkFault::Timeout, "nobody answers there");
  }
  if (world_.chance.one_in(host.weather.refuses_one_in)) {
    host.harmed("it refuses a connection");
    throw LinkError(LinkFault::Connect, "connection refused");
  }
  if (world_.chance.one_in(host.weather.breaks_one_in)) {
    auto& bytes = world_.chance.one_in(2) ? wire->to_host : wire->to_controller;
    bytes = world_.chance.below(world_.chance.one_in(2) ? 300 : 1200);
    wire->breaks_silently = world_.chance.one_in(3);
  }
  host.connected(wire);
  auto link = std::make_unique<ModelLink>(world_, host, wire, *this);
  co_return link;
}

void send_to_controller(World& world, ModelHost& host, const std::shared_ptr<Wire>& wire,
                        const std::string& bytes) {
  if (wire->broken || !wire->host_open) return;
  auto data = bytes;
  const bool breaks = data.size() > wire->to_controller;
  if (breaks) data.resize(wire->to_controller);
  if (wire->to_controller != SIZE_MAX) wire->to_controller -= data.size();
  bool gone = false;
  const auto deliver = [&](std::string part) {
    const auto at = arrival(world, host, *wire, wire->controller_last);
    if (!at) gone = true;
    if (!at) return;
    wire->controller_last = *at;
    world.after(*at - world.now(), [wire, part = std::move(part)] {
      if (!wire->controller_open || wire->lost) return;
      wire->inbox += part;
      wake(*wire);
    });
  };
  // In two pieces, sometimes: a stream has no messages.
  const bool split = data.size() > 1 && world.chance.one_in(16);
  const auto first = split ? world.chance.between(1, data.size() - 1) : data.size();
  if (first > 0) deliver(data.substr(0, first));
  if (split) deliver(data.substr(first));
  if (breaks || gone) tear(world, host, wire);
}

void end_from_host(World& world, ModelHost& host, const std::shared_ptr<Wire>& wire, WireEnd how) {
  if (!wire->host_open) return;
  wire->host_open = false;
  if (wire->broken) return;
  auto at = arrival(world, host, *wire, wire->controller_last).value_or(world.now());
  if (how == WireEnd::Silence) at = world.now() + notices_after;
  world.after(at - world.now(), [wire, how] {
    if (!wire->controller_open) return;
    (how == WireEnd::Close ? wire->ended : wire->lost) = true;
    wake(*wire);
  });
}

}  // namespace kongfleet::simulation
