// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ansible_hosts.hpp"

#include "proto/names.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace kongfleet::controller {

namespace {

constexpr std::size_t number_digits = 9;  // fits 32 bits
constexpr std::size_t name_max = 1000;    // Ansible has no limit; no host's name is that long

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
// As Ansible's regular expressions have it: all of Unicode's letters, too.
bool word(char c) { return letter(c) || digit(c) || c == '_' || (c & '\x80') != 0; }

std::string in_quotes(std::string_view text) { return "'" + printable(text, 100) + "'"; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), digit);
}

/// An entry in pieces: what stands between brackets is a range.
struct Piece {
  std::string_view text;
  std::size_t at;
  bool is_range;
};

// Nothing where the brackets do not match.
std::optional<std::vector<Piece>> pieces(std::string_view entry) {
  std::vector<Piece> out;
  for (std::size_t at = 0; at < entry.size();) {
    if (entry[at] == ']') return std::nullopt;
    const bool range = entry[at] == '[';
    const auto end = range ? entry.find(']', at) : std::min(entry.find('[', at), entry.size());
    if (end == std::string_view::npos) return std::nullopt;
    const auto from = range ? at + 1 : at;
    const auto text = entry.substr(from, end - from);
    if (range ? text.find('[') != std::string_view::npos : text.find(']') != std::string_view::npos)
      return std::nullopt;
    out.push_back({text, from, range});
    at = range ? end + 1 : end;
  }
  return out;
}

struct Split {
  std::string_view host;
  std::optional<std::uint16_t> port;
};

// "HOST:PORT", where no ':' outside brackets is left in HOST; "[HOST]:PORT".
Split split_port(std::string_view entry) {
  const auto colon = entry.rfind(':');
  if (colon == std::string_view::npos || !all_digits(entry.substr(colon + 1))) return {entry, {}};
  const auto digits = entry.substr(colon + 1);
  auto host = entry.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']' &&
                         host.find(']') == host.size() - 1;
  if (bracketed && host.find(':') != host.rfind(':')) {  // an address, no range
    host = host.substr(1, host.size() - 2);
  } else {
    const auto parts = pieces(host);
    const bool plain = parts && std::none_of(parts->begin(), parts->end(), [](const Piece& piece) {
                         return !piece.is_range && piece.text.find(':') != std::string_view::npos;
                       });
    if (!plain) return {entry, {}};
  }
  std::uint32_t port = 0;
  if (digits.size() <= 5) std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (port < 1 || port > 65'535) {
    throw BadHostPattern(
        colon + 1, "found " + in_quotes(digits) + " as a port; a port is a number from 1 to 65535");
  }
  return {host, static_cast<std::uint16_t>(port)};
}

// Whether Ansible would know this for a name or an address; ranges may stand for anything in it.
bool is_host(std::string_view host) {
  std::string plain;
  const auto parts = pieces(host);
  if (!parts) return false;
  for (const auto& piece : *parts) plain += piece.is_range ? "0" : std::string(piece.text);
  in6_addr address{};
  if (::inet_pton(AF_INET6, plain.c_str(), &address) == 1) return true;
  for (std::size_t start = 0; start <= plain.size();) {
    const auto end = std::min(plain.find('.', start), plain.size());
    const auto label = std::string_view(plain).substr(start, end - start);
    const bool good =
        !label.empty() && word(label.front()) && label.back() != '-' && label.back() != '_' &&
        std::all_of(label.begin(), label.end(), [](char c) { return word(c) || c == '-'; });
    if (!good) return false;
    start = end + 1;
  }
  return true;
}

[[noreturn]] void bad_range(const Piece& piece, const std::string& why) {
  throw BadHostPattern(piece.at, "the range " + in_quotes("[" + std::string(piece.text) + "]") +
                                     " " + why + "; a range is written [01:20], [a:f] or [0:20:5]");
}

std::uint32_t number(const Piece& piece, std::string_view text) {
  if (!all_digits(text) || text.size() > number_digits)
    bad_range(piece, "has an end that is no number");
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void limit(const Piece& piece, std::size_t hosts) {
  if (hosts <= pattern_hosts_max) return;
  bad_range(piece, "makes it " + std::to_string(hosts) + " hosts or more, and one entry may name " +
                       std::to_string(pattern_hosts_max));
}

std::vector<std::string> alternatives(const Piece& piece) {
  const auto first = piece.text.find(':');
  if (first == std::string_view::npos) bad_range(piece, "has no ':'");
  const auto second = std::min(piece.text.find(':', first + 1), piece.text.size());
  auto begin = piece.text.substr(0, first);
  const auto end = piece.text.substr(first + 1, second - first - 1);
  const auto step = second == piece.text.size() ? 1U : number(piece, piece.text.substr(second + 1));
  if (step == 0) bad_range(piece, "has a step of 0");
  if (begin.empty()) begin = "0";
  if (end.empty()) bad_range(piece, "has no end");
  std::vector<std::string> out;
  if (begin.size() == 1 && end.size() == 1 && letter(begin[0]) && letter(end[0])) {
    // The alphabet is a … z, A … Z.
    const auto place = [](char c) { return c >= 'a' ? c - 'a' : c - 'A' + 26; };
    if (place(begin[0]) > place(end[0])) bad_range(piece, "counts down");
    for (std::uint32_t i = 0; i <= static_cast<std::uint32_t>(place(end[0]) - place(begin[0]));
         i += step) {
      const auto at = static_cast<int>(i) + place(begin[0]);
      out.emplace_back(1, static_cast<char>(at < 26 ? 'a' + at : 'A' + at - 26));
    }
    return out;
  }
  const auto from = number(piece, begin);
  const auto to = number(piece, end);
  const bool padded = begin.size() > 1 && begin[0] == '0';
  if (padded && begin.size() != end.size()) bad_range(piece, "has ends of different length");
  if (from > to) bad_range(piece, "counts down");
  limit(piece, std::size_t{to - from} / step + 1);
  for (auto value = from; value <= to; value += step) {  // nine digits: no overflow
    auto digits = std::to_string(value);
    if (padded && digits.size() < begin.size()) digits.insert(0, begin.size() - digits.size(), '0');
    out.push_back(std::move(digits));
  }
  return out;
}

}  // namespace

std::vector<PatternHost> expand_ansible_hosts(std::string_view entry) {
  auto split = split_port(entry);
  if (!is_host(split.host)) split = {entry, {}};
  const auto parts = pieces(split.host);
  if (!parts) {
    throw BadHostPattern(0, "found " + in_quotes(entry) +
                                " as a host, and its brackets do not match; a range is written "
                                "web[01:20]");
  }
  std::vector<std::string> names = {""};
  for (const auto& piece : *parts) {
    const auto ends =
        piece.is_range ? alternatives(piece) : std::vector<std::string>{std::string(piece.text)};
    limit(piece, names.size() * ends.size());
    std::vector<std::string> longer;
    longer.reserve(names.size() * ends.size());
    for (const auto& name : names) {
      for (const auto& end : ends) {
        if (name.size() + end.size() > name_max) {
          throw BadHostPattern(0, "the name " + in_quotes(name + end) + " is too long; " +
                                      std::to_string(name_max) + " bytes are the most");
        }
        longer.push_back(name + end);
      }
    }
    names = std::move(longer);
  }
  std::vector<PatternHost> hosts;
  hosts.reserve(names.size());
  for (auto& name : names) hosts.push_back({std::move(name), split.port});
  return hosts;
}

}  // namespace kongfleet::controller
