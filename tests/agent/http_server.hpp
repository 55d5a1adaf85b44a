// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace kongfleet::agent::test {

/// Listens on a free port of the loopback address and answers each connection, one after the other,
/// with the bytes that `answer` makes of the request's bytes; then closes it. An empty answer
/// leaves the connection open and silent until the server ends.
class TestServer {
public:
  using Answer = std::function<std::string(const std::string& request)>;
  explicit TestServer(Answer answer);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url(const std::string& target = "") const { return "http://" + address() + target; }

private:
  void serve();
  Answer answer_;
  Fd listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// A whole response with this body.
std::string http_response(int status, const std::string& body, const std::string& headers = "");

}  // namespace kongfleet::agent::test
