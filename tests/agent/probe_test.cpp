// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/probe.hpp"

#include "agent/wire.hpp"
#include "proto/error.hpp"
#include "tests/agent/http_server.hpp"

#include <catch2/catch.hpp>

#include <atomic>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

ProbeOutcome run(const ProbeSpec& probe, std::chrono::milliseconds time = 20s) {
  const HostPaths paths;
  return run_probe(probe, paths, HttpClient(paths.hosts), Clock::now() + time);
}

ProbeSpec http(const std::string& url) {
  ProbeSpec probe;
  probe.name = "p";
  probe.url = url;
  probe.interval = 1ms;
  return probe;
}

std::string judged(const ProbeSpec& probe, const HttpResponse& response) {
  return judge_response(probe, response);
}

}  // namespace

TEST_CASE("a response is judged by status, headers and body") {
  const HttpResponse response{200, {{"x-myplugin", "1.0.0"}}, "all is well"};
  ProbeSpec probe;
  CHECK(judged(probe, response) == "");
  probe.header = {{"X-MyPlugin", "^1\\.\\d"}};
  probe.body = "is w";
  CHECK(judged(probe, response) == "");
  probe.header = {{"X-MyPlugin", "^2"}};
  CHECK(judged(probe, response) == "X-MyPlugin of 5 bytes does not match '^2'");
  probe.header = {{"X-Other", ".*"}};
  CHECK(judged(probe, response) == "no header X-Other");
  probe.header.clear();
  probe.body = "^is";
  CHECK(judged(probe, response) == "the body of 11 bytes does not match '^is'");
  probe.status = 404;
  CHECK(judged(probe, response) == "status 200 instead of 404");
}

// Who holds a login's key orders probes of any URL there is on the host.
TEST_CASE("of what a controller orders asked for, no outcome quotes a header or a body") {
  const TestServer server(
      [](const std::string&) { return http_response(200, "CANARY", "X-MyPlugin: CANARY\r\n"); });
  wire::Probe ordered;
  ordered.set_name("p");
  ordered.set_type("http");
  ordered.set_url(server.url("/secret"));
  ordered.set_interval_ms(10);
  const auto told = [&](unsigned status, const std::string& header, const std::string& body) {
    auto probe = ordered;
    probe.set_status(status);
    auto& rule = *probe.add_header();
    rule.set_name("X-MyPlugin");
    rule.set_pattern(header);
    probe.set_body(body);
    const auto outcome = run(from_wire(probe));
    CHECK(outcome.came.empty());
    CHECK(outcome.detail.find("CANARY") == std::string::npos);
    return outcome.detail;
  };
  CHECK(told(200, ".*", "") == "200, X-MyPlugin matches '.*'");
  CHECK(told(500, ".*", "") == "status 200 instead of 500");
  CHECK(told(200, "^$", "") == "X-MyPlugin of 6 bytes does not match '^$'");
  CHECK(told(200, ".*", "^$") == "the body of 6 bytes does not match '^$'");
  told(200, ".*", "^((C|CA)+)+N+$");
}

TEST_CASE("what came of the host's own probe is for its log, beside the verdict") {
  const TestServer server(
      [](const std::string&) { return http_response(200, "all\nis well", "X-A: 1\r\n"); });
  auto probe = http(server.url());
  probe.own = true;
  probe.header = {{"X-A", "^1"}};
  CHECK(run(probe).came.empty());
  probe.body = "sick";
  const auto outcome = run(probe);
  CHECK(outcome.detail == "the body of 11 bytes does not match 'sick'");
  CHECK(outcome.came == "200, X-A: '1', body 'all\\nis well'");
}

TEST_CASE("an expression that explodes ends in an error, soon") {
  const auto began = Clock::now();
  CHECK_THROWS_AS(pattern_matches("^(a+)+(b|c)*\\1+(a*)*$", std::string(5000, 'a') + "!"), Error);
  CHECK(Clock::now() - began < 10s);
}

TEST_CASE("what is no regular expression is told") {
  CHECK(why_bad_pattern("http://.*") == "");
  CHECK(why_bad_pattern("(") != "");
  CHECK(why_bad_pattern("[") != "");
  CHECK(why_bad_pattern("*") != "");
  CHECK(why_bad_pattern(std::string(2000, 'a')) != "");
  CHECK_THROWS_AS(pattern_matches("(", "a"), Error);
}

TEST_CASE("a probe is good after as many successes in a row") {
  std::atomic<int> count = 0;
  const TestServer server([&](const std::string&) {
    // Good, bad, then good for ever.
    return http_response(++count == 2 ? 500 : 200, "");
  });
  const auto outcome = run(http(server.url()));
  CHECK(outcome.ok);
  CHECK(outcome.name == "p");
  CHECK(outcome.tries == 5);
  CHECK(outcome.detail == "200");
}

TEST_CASE("a probe that fails for ever is given up before its deadline") {
  const TestServer server([](const std::string&) { return http_response(500, ""); });
  const auto outcome = run(http(server.url()), 60s);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.tries == probe_failures_max);
  CHECK(outcome.detail == "status 500 instead of 200");
  CHECK_FALSE(outcome.inconclusive);
  CHECK_FALSE(outcome.unanswered);
}

TEST_CASE("a probe that flaps until its deadline has failed") {
  std::atomic<int> count = 0;
  const TestServer server(
      [&](const std::string&) { return http_response(++count % 2 == 0 ? 200 : 500, ""); });
  const auto outcome = run(http(server.url()), 200ms);
  CHECK_FALSE(outcome.ok);
  CHECK_FALSE(outcome.inconclusive);
}

TEST_CASE("a try is bounded by its timeout, all of them by the deadline") {
  const TestServer server([](const std::string&) { return ""; });
  auto probe = http(server.url());
  probe.timeout = 100ms;
  const auto outcome = run(probe, 350ms);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.tries >= 2);
  CHECK(outcome.took < 5s);
  CHECK(outcome.detail.find("no answer in time") != std::string::npos);
  CHECK(outcome.unanswered);
  CHECK_FALSE(outcome.inconclusive);
  const auto untried = run(probe, 0ms);
  CHECK(untried.detail == "no time was left to try");
  CHECK(untried.inconclusive);
  CHECK_FALSE(untried.unanswered);
}

TEST_CASE("successes that are not enough in time are no success") {
  const TestServer server([](const std::string&) { return http_response(200, ""); });
  auto probe = http(server.url());
  probe.interval = 10s;
  const auto outcome = run(probe, 300ms);
  CHECK_FALSE(outcome.ok);
  CHECK(outcome.detail == "200, but not 3 times in a row in time");
  CHECK(outcome.inconclusive);
}

TEST_CASE("tcp probes connect") {
  std::string address;
  ProbeSpec probe;
  probe.type = ProbeType::Tcp;
  probe.interval = 1ms;
  {
    const TestServer server([](const std::string&) { return ""; });
    address = probe.address = server.address();
    CHECK(run(probe).ok);
  }
  const auto gone = run(probe);
  CHECK_FALSE(gone.ok);
  CHECK(gone.unanswered);
}

TEST_CASE("command probes run without our environment and are judged by their exit code") {
  ProbeSpec probe;
  probe.type = ProbeType::Command;
  probe.interval = 1ms;
  probe.command = {"/bin/sh", "-c", "test -z \"$HOME\" && pwd"};
  const auto good = run(probe);
  CHECK(good.ok);
  CHECK(good.detail == "exit code 0, /");
  probe.command = {"/bin/sh", "-c", "echo sick >&2; exit 3"};
  CHECK(run(probe).detail == "exit code 3, sick");
  probe.command = {"/bin/sleep", "100"};
  probe.timeout = 50ms;
  CHECK(run(probe, 300ms).detail == "no end within its timeout");
}

}  // namespace kongfleet::agent::test
