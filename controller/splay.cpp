// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/splay.hpp"

#include "proto/digest.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unistd.h>

#include <charconv>
#include <csignal>

namespace kongfleet::controller {

namespace {

constexpr std::size_t digits_used = 12;  // 48 bits: a year of milliseconds has 35

}  // namespace

std::chrono::milliseconds splay_of(const std::string& fleet, const std::string& machine,
                                   std::chrono::milliseconds splay) {
  if (splay.count() <= 0) return std::chrono::milliseconds(0);
  const auto text = sha256(fleet + "\n" + machine).hex().substr(0, digits_used);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return std::chrono::milliseconds(number % splay.count());
}

std::string machine_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

bool wait_undisturbed(std::chrono::milliseconds time) {
  boost::asio::io_context io{1};
  bool disturbed = false;
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  boost::asio::steady_timer timer(io, time);
  signals.async_wait([&](const boost::system::error_code& cancelled, int) {
    if (cancelled) return;
    disturbed = true;
    timer.cancel();
  });
  timer.async_wait([&](const boost::system::error_code&) { signals.cancel(); });
  io.run();
  return !disturbed;
}

}  // namespace kongfleet::controller
