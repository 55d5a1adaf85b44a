// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_pattern.hpp"

#include "proto/names.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace kongfleet::controller {

namespace {

constexpr std::size_t name_max = 253;     // RFC 1035, without the root's dot
constexpr std::size_t label_max = 63;     // likewise, for what stands between dots
constexpr std::size_t number_digits = 9;  // fits 32 bits
constexpr std::string_view range_example = "a range is written edge-[01-20] or edge-[1,3,5-7]";

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool name_char(char c) { return letter(c) || digit(c) || c == '.' || c == '-' || c == '_'; }

std::string in_quotes(std::string_view text) { return "'" + printable(text, 100) + "'"; }

/// One part of a name: fixed text, or the alternatives of a range.
using Alternatives = std::vector<std::string>;

struct Number {
  std::uint32_t value = 0;
  std::string_view text;
};

/// Reads a pattern from the left; `at_` is always what an error points at.
class PatternParser {
public:
  explicit PatternParser(std::string_view pattern) : pattern_(pattern) {}
  std::vector<PatternHost> run();

private:
  bool done() const { return at_ == pattern_.size(); }
  char peek() const { return done() ? '\0' : pattern_[at_]; }
  [[noreturn]] void fail(std::size_t at, const std::string& what) const {
    throw BadHostPattern(at, what);
  }
  void limit(std::size_t at, std::size_t hosts) const;
  std::vector<PatternHost> address();
  std::vector<std::string> names();
  Alternatives piece();
  Alternatives range();
  void range_item(Alternatives& out);
  void letter_item(Alternatives& out);
  Number number();
  std::uint32_t step();
  std::optional<std::uint16_t> port();
  [[noreturn]] void too_long(const std::string& name) const {
    fail(0, "the name " + in_quotes(name) + " is too long; 253 bytes are the most");
  }
  void check_name(const std::string& name) const;

  std::string_view pattern_;
  std::size_t at_ = 0;
};

void PatternParser::limit(std::size_t at, std::size_t hosts) const {
  if (hosts <= pattern_hosts_max) return;
  fail(at, "the pattern names " + std::to_string(hosts) + " hosts or more; one pattern may name " +
               std::to_string(pattern_hosts_max));
}

Number PatternParser::number() {
  const auto start = at_;
  while (digit(peek())) ++at_;
  Number result{0, pattern_.substr(start, at_ - start)};
  if (result.text.empty()) {
    const auto found = done() ? std::string("the end") : in_quotes(pattern_.substr(at_, 1));
    fail(at_, "found " + found + " where a number should be; " + std::string(range_example));
  }
  if (result.text.size() > number_digits) {
    fail(start, "the number " + in_quotes(result.text) + " is too large; 9 digits are the most");
  }
  std::from_chars(result.text.data(), result.text.data() + result.text.size(), result.value);
  return result;
}

// "/2" behind the ends of a range: every second one.
std::uint32_t PatternParser::step() {
  if (peek() != '/') return 1;
  const auto start = ++at_;
  const auto by = number();
  if (by.value == 0) fail(start, "found a step of 0; a range goes on by 1 or more: edge-[1-9/2]");
  return by.value;
}

void PatternParser::letter_item(Alternatives& out) {
  const auto start = at_;
  const char first = pattern_[at_++];
  if (peek() != '-') {
    out.emplace_back(1, first);
    return;
  }
  ++at_;
  const char last = peek();
  if (!letter(last) || (first >= 'a') != (last >= 'a')) {
    const auto found = done() ? std::string("the end") : in_quotes(pattern_.substr(at_, 1));
    fail(at_, "found " + found + " as the end of a range of letters; both ends are small letters " +
                  "or both are capitals: rack-[a-f]");
  }
  ++at_;
  if (last < first) {
    fail(start, "the range " + in_quotes(pattern_.substr(start, at_ - start)) +
                    " counts down; write the letter that comes first in the alphabet first");
  }
  const auto by = step();
  for (std::size_t i = 0; i <= static_cast<std::size_t>(last - first); i += by) {
    out.emplace_back(1, static_cast<char>(first + static_cast<char>(i)));
  }
}

void PatternParser::range_item(Alternatives& out) {
  if (letter(peek())) return letter_item(out);
  const auto start = at_;
  const auto first = number();
  if (peek() != '-') {
    out.emplace_back(first.text);
    return;
  }
  ++at_;
  const auto last = number();
  const auto text = in_quotes(pattern_.substr(start, at_ - start));
  if (last.value < first.value) {
    fail(start, "the range " + text + " counts down; write the smaller number first");
  }
  const bool padded = (first.text.size() > 1 && first.text.front() == '0') ||
                      (last.text.size() > 1 && last.text.front() == '0');
  if (padded && first.text.size() != last.text.size()) {
    fail(start, "the ends of the range " + text +
                    " differ in length; with leading zeros both have equally many digits");
  }
  const auto by = step();
  limit(start, (std::size_t{last.value} - first.value) / by + 1);
  for (auto value = first.value; value <= last.value; value += by) {  // nine digits: no overflow
    auto digits = std::to_string(value);
    if (padded) digits.insert(0, first.text.size() - digits.size(), '0');
    out.push_back(std::move(digits));
  }
}

Alternatives PatternParser::range() {
  const auto start = at_++;  // '['
  Alternatives out;
  for (;;) {
    range_item(out);
    limit(start, out.size());
    if (peek() == ']') break;
    if (done()) fail(start, "the '[' has no ']'; " + std::string(range_example));
    if (peek() != ',') {
      fail(at_, "found " + in_quotes(pattern_.substr(at_, 1)) + " in a range; " +
                    std::string(range_example));
    }
    ++at_;
  }
  ++at_;
  return out;
}

std::optional<std::uint16_t> PatternParser::port() {
  if (done()) return std::nullopt;
  const auto start = ++at_;  // after ':'
  const auto text = pattern_.substr(start);
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), digit);
  std::uint32_t value = 0;
  if (digits && text.size() <= 5) {
    std::from_chars(text.data(), text.data() + text.size(), value);
  }
  if (value < 1 || value > 65'535) {
    fail(start, "found " + in_quotes(text) + " as a port; a port is a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(value);
}

std::vector<PatternHost> PatternParser::address() {
  const auto close = pattern_.find(']');
  const std::string text(pattern_.substr(1, close - 1));
  const auto zone = text.find('%');
  in6_addr parsed{};
  const bool zone_good =
      zone == std::string::npos ||
      (zone + 1 < text.size() &&
       std::all_of(text.begin() + static_cast<std::ptrdiff_t>(zone) + 1, text.end(), name_char));
  if (!zone_good || ::inet_pton(AF_INET6, text.substr(0, zone).c_str(), &parsed) != 1) {
    fail(1,
         "found " + in_quotes(text) + " in brackets; that is neither an IPv6 address nor a range");
  }
  at_ = close + 1;
  if (!done() && peek() != ':') {
    fail(at_, "found " + in_quotes(pattern_.substr(at_)) +
                  " after an IPv6 address; only a port may follow: [2001:db8::7]:2222");
  }
  return {{text, port()}};
}

void PatternParser::check_name(const std::string& name) const {
  if (name.size() > name_max) too_long(name);
  for (std::size_t start = 0; start <= name.size();) {
    const auto end = std::min(name.find('.', start), name.size());
    if (end == start && end != name.size()) {
      fail(0, "the name " + in_quotes(name) + " has an empty part; write one '.' between parts");
    }
    if (end - start > label_max) {
      fail(0, "the name " + in_quotes(name) + " has a part longer than 63 bytes");
    }
    start = end + 1;
  }
}

// The next piece of a name: what may stand there, one after the other.
Alternatives PatternParser::piece() {
  if (peek() == '[') return range();
  const auto start = at_;
  while (name_char(peek())) ++at_;
  if (at_ > start) return {std::string(pattern_.substr(start, at_ - start))};
  if (peek() == '@') {
    fail(at_, "found '@' in a host's name; the user is set once, as user in [ssh]");
  }
  fail(at_, "found " + in_quotes(pattern_.substr(at_, 1)) +
                " in a host's name; letters, digits, '.', '-' and '_' are allowed");
}

std::vector<std::string> PatternParser::names() {
  std::vector<std::string> names = {""};
  while (!done() && peek() != ':') {
    const auto start = at_;
    const auto part = piece();
    limit(start, names.size() * part.size());
    std::vector<std::string> longer;
    longer.reserve(names.size() * part.size());
    for (const auto& name : names) {
      for (const auto& end : part) {
        if (name.size() + end.size() > name_max) too_long(name + end);
        longer.push_back(name + end);
      }
    }
    names = std::move(longer);
  }
  return names;
}

std::vector<PatternHost> PatternParser::run() {
  if (pattern_.empty()) fail(0, "found an empty text; a host is a name or an address");
  const auto close = pattern_.find(']');
  if (peek() == '[' && close < pattern_.size() && pattern_.find(':') < close) return address();
  if (peek() == '-' || peek() == '.') {
    fail(0, "the name begins with " + in_quotes(pattern_.substr(0, 1)) +
                "; a host's name begins with a letter or a digit");
  }
  const auto all = names();
  if (std::count(pattern_.begin() + static_cast<std::ptrdiff_t>(at_), pattern_.end(), ':') > 1) {
    fail(at_, "found more than one ':'; an IPv6 address stands in brackets: [2001:db8::7]:2222");
  }
  if (all.front().empty()) fail(0, "found no name before ':'; write HOST:PORT");
  const auto the_port = port();
  std::vector<PatternHost> hosts;
  hosts.reserve(all.size());
  for (const auto& name : all) {
    check_name(name);
    hosts.push_back({name, the_port});
  }
  return hosts;
}

}  // namespace

std::vector<PatternHost> expand_host_pattern(std::string_view pattern) {
  return PatternParser(pattern).run();
}

std::string label_of(const std::string& name, std::optional<std::uint16_t> port) {
  const bool bracketed = name.find(':') != std::string::npos;
  auto label = bracketed ? "[" + name + "]" : name;
  if (port) label += ":" + std::to_string(*port);
  return label;
}

}  // namespace kongfleet::controller
