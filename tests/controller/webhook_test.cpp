// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/webhook.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

// Nobody listens there: the port is the one of discard, which no test machine serves.
FleetWebhook nowhere() { return {.url = "http://127.0.0.1:9/", .timeout = 1s}; }

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
