// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/webhook.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "ssh_fixture.hpp"
#include "tree_fixture.hpp"
#include <atomic>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

// Nobody listens there: the port is the one of discard, which no test machine serves.
FleetWebhook nowhere() { return {.url = "http://127.0.0.1:9/", .timeout = 1s}; }

/// All of a request, whose body is one JSON object.
std::string take_request(int fd) {
  std::string request;
  char bytes[4096];
  while (!request.ends_with('}')) {
    const auto got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) break;
    request.append(bytes, static_cast<std::size_t>(got));
  }
  return request;
}

}  // namespace

TEST_CASE("a webhook that nobody answers holds nobody up, and what is lost is told") {
  Webhook webhook(nowhere(), "run");
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) webhook.post("{}");
  CHECK(std::chrono::steady_clock::now() - began < 1s);
  const auto said = webhook.finish(100ms);
  CHECK(said.starts_with("webhook: 5 events were not delivered"));
  CHECK(std::chrono::steady_clock::now() - began < 20s);
}

TEST_CASE("a webhook's event is brought again until somebody takes it") {
  std::atomic<int> asked = 0;
  std::string taken;
  RawServer server([&](int fd) {
    taken = take_request(fd);
    if (++asked < 3) return;  // hangs up
    const std::string answer = asked < 4 ? "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
                                         : "HTTP/1.1 204 No Content\r\n\r\n";
    (void)::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  });
  Webhook webhook({.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/", .timeout = 5s},
                  "run");
  webhook.post(R"({"event":"end"})");
  CHECK(webhook.finish(60s).empty());
  CHECK(asked == 4);
  CHECK_THAT(taken, Catch::EndsWith(R"({"event":"end"})"));
}

TEST_CASE("a webhook without events ends at once; one that is dropped does too") {
  CHECK(Webhook(nowhere(), "run").finish(10s).empty());
  Webhook dropped(nowhere(), "run");
  dropped.post("{}");
}

TEST_CASE("a webhook's secret is there and not empty before anything begins") {
  const ScratchDirectory scratch;
  auto settings = nowhere();
  settings.secret_file = scratch.path() / "secret";
  const auto mistake = [&] {
    return replaced(message_of([&] { const Webhook webhook(settings, "run"); }),
                    scratch.path().string() + "/", "");
  };
  CHECK(mistake() == "read secret 'secret': there is no such file");
  scratch.write("secret", "\n");
  CHECK(mistake() == "read secret 'secret': it is empty");
}

}  // namespace kongfleet::controller
