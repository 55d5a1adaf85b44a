// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/http_client.hpp"

#include "tests/agent/http_server.hpp"
#include "tests/agent/system_call_fixture.hpp"

#include <catch2/catch.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const HttpClient client("/nonexistent/hosts");

HttpResult get(const std::string& url, std::chrono::milliseconds time = 20s) {
  const auto parsed = HttpUrl::parse(url);
  REQUIRE(std::holds_alternative<HttpUrl>(parsed));
  return client.get(std::get<HttpUrl>(parsed), Clock::now() + time, 10'000);
}

std::string why_not(const std::string& url) {
  const auto parsed = HttpUrl::parse(url);
  const auto* why = std::get_if<std::string>(&parsed);
  return why == nullptr ? "" : *why;
}

}  // namespace

TEST_CASE("a URL is taken apart") {
  const auto url = std::get<HttpUrl>(HttpUrl::parse("http://[::1]:8001/a/b?c=d#e"));
  CHECK(url.at.host == "::1");
  CHECK(url.at.port == 8001);
  CHECK(url.target == "/a/b?c=d");
  CHECK(url.host_header == "[::1]:8001");
  CHECK(std::get<HttpUrl>(HttpUrl::parse("HTTP://localhost")).at.port == 80);
  CHECK(std::get<HttpUrl>(HttpUrl::parse("http://a?b")).target == "/?b");
}

TEST_CASE("what is no URL of ours is refused with the reason") {
  CHECK(why_not("https://a/").find("https is not supported") == 0);
  CHECK(why_not("ftp://a/") == "it does not begin with http://");
  CHECK(why_not("http://user@a/") != "");
  CHECK(why_not("http://a:0/") != "");
  CHECK(why_not("http://a:99999/") != "");
  CHECK(why_not("http:///x") != "");
  CHECK(why_not("http://a b/") != "");
  CHECK(why_not("http://a/x y") != "");
  CHECK(why_not("http://a/x\r\nX-Evil: 1") != "");
}

TEST_CASE("a response has status, headers and body") {
  std::string seen;
  const TestServer server([&](const std::string& request) {
    seen = request;
    return http_response(404, "no such thing", "X-MyPlugin: 1.0.0\r\n");
  });
  const auto result = get(server.url("/a?b"));
  REQUIRE(result.response);
  CHECK(result.response->status == 404);
  CHECK(result.response->header("x-myplugin") == "1.0.0");
  CHECK_FALSE(result.response->header("X-Other"));
  CHECK(result.response->body == "no such thing");
  CHECK(seen.starts_with("GET /a?b HTTP/1.1\r\n"));
  CHECK(seen.find("Host: " + server.address() + "\r\n") != std::string::npos);
  CHECK(seen.find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("a question has its own method, headers and JSON; a 204 has no body") {
  std::string seen;
  const TestServer server([&](const std::string& request) {
    seen = request;
    return "HTTP/1.1 204 No Content\r\n\r\n";
  });
  HttpQuestion question;
  question.method = "POST";
  question.url = std::get<HttpUrl>(HttpUrl::parse(server.url("/services")));
  question.headers = {{"Host", "a.invalid"}, {"X-A", "b"}};
  question.body = R"({"name":"s"})";
  const auto result = client.ask(question, Clock::now() + 20s);
  REQUIRE(result.response);
  CHECK(result.response->status == 204);
  CHECK(result.response->body.empty());
  CHECK(seen.starts_with("POST /services HTTP/1.1\r\n"));
  CHECK(seen.find("\r\nHost: a.invalid\r\n") != std::string::npos);
  CHECK(seen.find("Host: ") == seen.rfind("Host: "));
  CHECK(seen.find("X-A: b\r\n") != std::string::npos);
  CHECK(seen.find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(seen.find("Content-Length: 12\r\n") != std::string::npos);
}

TEST_CASE("a body without a length ends with the connection") {
  const TestServer server([](const std::string&) { return "HTTP/1.0 200 OK\r\n\r\nbody"; });
  REQUIRE(get(server.url()).response);
  CHECK(get(server.url()).response->body == "body");
}

TEST_CASE("an answer as long as Kong's is taken with few reads") {
  const TestServer server(
      [](const std::string&) { return http_response(200, std::string(30'000, 'x')); });
  const auto url = std::get<HttpUrl>(HttpUrl::parse(server.url()));
  int reads = 0;
  HttpResult result;
  const SystemCall counted{SYS_recvmsg, 0, 1, true, [&] { ++reads; }};
  const auto ask = [&] { result = client.get(url, Clock::now() + 20s); };
  CHECK(message_with(counted, ask).empty());
  REQUIRE(result.response);
  CHECK(result.response->body.size() == 30'000);
  CHECK(reads < 12);  // of 512 bytes each: 59
}

TEST_CASE("a server that says nothing is given up at the deadline") {
  const TestServer server([](const std::string&) { return ""; });
  const auto began = Clock::now();
  const auto result = get(server.url(), 200ms);
  CHECK_FALSE(result.response);
  CHECK(result.error == "GET " + server.url("/") + ": no answer in time");
  CHECK(Clock::now() - began < 5s);
}

TEST_CASE("bodies and headers beyond the limit are refused") {
  const TestServer body(
      [](const std::string&) { return http_response(200, std::string(20'000, 'x')); });
  CHECK(get(body.url()).error.find("the body is larger than we take") != std::string::npos);
  const TestServer headers([](const std::string&) {
    return http_response(200, "", "X-A: " + std::string(100'000, 'x') + "\r\n");
  });
  CHECK_FALSE(get(headers.url()).response);
}

TEST_CASE("no HTTP, and nobody there, is an error and no crash") {
  const TestServer noise([](const std::string&) { return "SSH-2.0-OpenSSH\r\n"; });
  CHECK_FALSE(get(noise.url()).response);
  std::uint16_t port = 0;
  {
    port = TestServer([](const std::string&) { return ""; }).port();
  }
  CHECK(get("http://127.0.0.1:" + std::to_string(port)).error.find("Connection refused") !=
        std::string::npos);
  CHECK(client.connect({"127.0.0.1", port}, Clock::now() + 5s) != "");
}

TEST_CASE("connecting is enough for a tcp probe") {
  const TestServer server([](const std::string&) { return ""; });
  CHECK(client.connect({"127.0.0.1", server.port()}, Clock::now() + 20s) == "");
}

TEST_CASE("names are looked up in the hosts file only") {
  std::string name = (std::filesystem::temp_directory_path() / "kfh-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  REQUIRE(file >= 0);
  ::close(file);
  std::ofstream(name) << "# 9.9.9.9 kong\n127.0.0.5 gateway kong # comment\nnonsense bad\n";
  const HttpClient with_hosts(name);
  CHECK(with_hosts.address_of("kong") == "127.0.0.5");
  CHECK(with_hosts.address_of("::1") == "::1");
  CHECK(with_hosts.address_of("localhost") == "127.0.0.1");
  CHECK_FALSE(with_hosts.address_of("bad"));
  CHECK_FALSE(with_hosts.address_of("example.com"));
  CHECK(with_hosts.connect({"example.com", 1}, Clock::now() + 5s).find("hosts file") !=
        std::string::npos);
  std::filesystem::remove(name);
}

}  // namespace kongfleet::agent::test
