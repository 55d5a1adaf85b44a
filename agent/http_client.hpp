// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kongfleet::agent {

/// Where something listens: an address literal or a name, and a port.
struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  /// "HOST:PORT", "[::1]:8001". Empty host, missing or bad port: nothing.
  static std::optional<HostPort> parse(std::string_view text);
  std::string text() const;
};

/// Whether nothing but this host is reached there: an address of the loopback, or, as what listens
/// at it listens there too, that of all interfaces. No name but "localhost".
bool is_local(const std::string& host);

/// An http URL.
struct HttpUrl {
  HostPort at;
  std::string target = "/";  // path and query
  std::string host_header;   // as the URL spells it
  /// "http://HOST[:PORT][/PATH]". Otherwise why not, for people: https, for one, is not supported.
  static std::variant<HttpUrl, std::string> parse(std::string_view url);
};

struct HttpResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// The first header of that name, whatever its case.
  std::optional<std::string> header(std::string_view name) const;
};

/// A response, or in one sentence why there was none.
struct HttpResult {
  std::optional<HttpResponse> response;
  std::string error;
};

/// A question that is more than a GET.
struct HttpQuestion {
  std::string method = "GET";
  HttpUrl url;
  std::vector<std::pair<std::string, std::string>> headers;  // besides our own
  std::string body;                                          // JSON, or none
};

/// Speaks HTTP/1.1, one request on one fresh connection each time, so that any worker may answer.
/// Blocks, but not longer than the deadline. Headers of at most 64 KiB and bodies of at most
/// `body_max` are taken; more is an error. Names are looked up in the hosts file only, there being
/// no resolver in a static binary. Thread-safe.
class HttpClient {
public:
  explicit HttpClient(std::filesystem::path hosts) : hosts_(std::move(hosts)) {}
  HttpResult get(const HttpUrl& url, std::chrono::steady_clock::time_point deadline,
                 std::size_t body_max = std::size_t{1} << 20) const;
  HttpResult ask(const HttpQuestion& question, std::chrono::steady_clock::time_point deadline,
                 std::size_t body_max = std::size_t{1} << 20) const;
  /// Connects and closes. An empty string, or why it did not work.
  std::string connect(const HostPort& to, std::chrono::steady_clock::time_point deadline) const;
  /// The address literal that a host means; nothing when it is unknown.
  std::optional<std::string> address_of(const std::string& host) const;

private:
  std::filesystem::path hosts_;
};

}  // namespace kongfleet::agent
