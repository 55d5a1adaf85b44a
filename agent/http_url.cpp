// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/http_client.hpp"

#include <algorithm>
#include <charconv>

namespace kongfleet::agent {
namespace {

bool starts_with_scheme(std::string_view url, std::string_view scheme) {
  return url.size() >= scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), url.begin(),
                    [](char a, char b) { return a == (b | 0x20) || a == b; });
}

bool good_host(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '%';
  });
}

/// What may stand in a request line: visible ASCII. Anything else would let a URL write headers.
bool good_target(std::string_view target) {
  return std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::optional<HostPort> HostPort::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) return std::nullopt;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0)
    return std::nullopt;
  if (!good_host(host)) return std::nullopt;
  return HostPort{std::string(host), port};
}

std::string HostPort::text() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::variant<HttpUrl, std::string> HttpUrl::parse(std::string_view url) {
  if (starts_with_scheme(url, "https://"))
    return "https is not supported by this version: name a plain http:// listener";
  if (!starts_with_scheme(url, "http://")) return "it does not begin with http://";
  url.remove_prefix(7);
  const auto end = std::min(url.find_first_of("/?#"), url.size());
  const auto authority = url.substr(0, end);
  if (authority.find('@') != std::string_view::npos)
    return "it names a user, which is not supported";
  const bool has_port = authority.rfind(':') != std::string_view::npos &&
                        (authority.empty() || authority.back() != ']');
  const auto at =
      HostPort::parse(has_port ? std::string(authority) : std::string(authority) + ":80");
  if (!at) return "'" + std::string(authority) + "' is no HOST or HOST:PORT";
  HttpUrl result{*at, std::string(url.substr(end)), std::string(authority)};
  result.target.resize(std::min(result.target.find('#'), result.target.size()));
  if (result.target.empty() || result.target.front() != '/') result.target.insert(0, "/");
  if (!good_target(result.target)) return "its path holds a blank or a control character";
  return result;
}

std::optional<std::string> HttpResponse::header(std::string_view name) const {
  const auto same = [](char a, char b) {
    const auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    return lower(a) == lower(b);
  };
  for (const auto& [key, value] : headers)
    if (std::equal(key.begin(), key.end(), name.begin(), name.end(), same)) return value;
  return std::nullopt;
}

}  // namespace kongfleet::agent
