// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_pattern.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::controller {

namespace {

std::vector<std::string> labels(std::string_view pattern) {
  std::vector<std::string> out;
  for (const auto& host : expand_host_pattern(pattern)) {
    out.push_back(label_of(host.name, host.port));
  }
  return out;
}

using Labels = std::vector<std::string>;

// "OFFSET: TEXT"
std::string mistake(const std::string& pattern) {
  try {
    expand_host_pattern(pattern);
  } catch (const BadHostPattern& error) {
    return std::to_string(error.offset()) + ": " + error.what();
  }
  return "(no error)";
}

}  // namespace

TEST_CASE("a plain host is itself") {
  CHECK(labels("edge-01.example.net") == Labels{"edge-01.example.net"});
  CHECK(labels("192.0.2.7:2222") == Labels{"192.0.2.7:2222"});
  CHECK(labels("my_alias") == Labels{"my_alias"});
  CHECK(expand_host_pattern("a:22") == std::vector<PatternHost>{{"a", 22}});
}

TEST_CASE("an IPv6 address stands in brackets") {
  CHECK(expand_host_pattern("[2001:db8::7]") == std::vector<PatternHost>{{"2001:db8::7", {}}});
  CHECK(labels("[2001:db8::7]:2222") == Labels{"[2001:db8::7]:2222"});
  CHECK(labels("[fe80::1%eth0]") == Labels{"[fe80::1%eth0]"});
}

TEST_CASE("a range counts, and keeps leading zeros") {
  CHECK(labels("e-[8-11].x") == Labels{"e-8.x", "e-9.x", "e-10.x", "e-11.x"});
  CHECK(labels("e-[08-10]") == Labels{"e-08", "e-09", "e-10"});
  CHECK(labels("e-[01,3,05-06]:22") == Labels{"e-01:22", "e-3:22", "e-05:22", "e-06:22"});
  CHECK(labels("edge-[01-20].example.net").size() == 20);
  CHECK(labels("[1-2]a") == Labels{"1a", "2a"});
}

TEST_CASE("a range may take every second one, and count letters") {
  CHECK(labels("e-[01-08/3]") == Labels{"e-01", "e-04", "e-07"});
  CHECK(labels("e-[1-3/999999999]") == Labels{"e-1"});
  CHECK(labels("rack-[a-c,x]") == Labels{"rack-a", "rack-b", "rack-c", "rack-x"});
  CHECK(labels("rack-[A-E/2]") == Labels{"rack-A", "rack-C", "rack-E"});
}

TEST_CASE("of several ranges in a name the last turns fastest") {
  CHECK(labels("r[1-2]n[1-2]") == Labels{"r1n1", "r1n2", "r2n1", "r2n2"});
}

TEST_CASE("what is wrong with a host is told with its place") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "0: found an empty text; a host is a name or an address"},
      {"e-[1-9/0]", "7: found a step of 0; a range goes on by 1 or more: edge-[1-9/2]"},
      {"e-[a-F]",
       "5: found 'F' as the end of a range of letters; both ends are small letters or both are "
       "capitals: rack-[a-f]"},
      {"e-[c-a]",
       "3: the range 'c-a' counts down; write the letter that comes first in the alphabet first"},
      {"-oProxyCommand=x",
       "0: the name begins with '-'; a host's name begins with a letter or a digit"},
      {"edge 01", "4: found ' ' in a host's name; letters, digits, '.', '-' and '_' are allowed"},
      {"a;rm", "1: found ';' in a host's name; letters, digits, '.', '-' and '_' are allowed"},
      {"a\nb", "1: found '\\n' in a host's name; letters, digits, '.', '-' and '_' are allowed"},
      {"root@edge", "4: found '@' in a host's name; the user is set once, as user in [ssh]"},
      {"edge-[01-20", "5: the '[' has no ']'; a range is written edge-[01-20] or edge-[1,3,5-7]"},
      {"e[]",
       "2: found ']' where a number should be; a range is written edge-[01-20] or "
       "edge-[1,3,5-7]"},
      {"e[+-c]",
       "2: found '+' where a number should be; a range is written edge-[01-20] or "
       "edge-[1,3,5-7]"},
      {"e[1..3]", "3: found '.' in a range; a range is written edge-[01-20] or edge-[1,3,5-7]"},
      {"e[20-01]", "2: the range '20-01' counts down; write the smaller number first"},
      {"e[01-100]",
       "2: the ends of the range '01-100' differ in length; with leading zeros both "
       "have equally many digits"},
      {"e[1-99999]", "2: the pattern names 99999 hosts or more; one pattern may name 10000"},
      {"e[1-200][1-200]", "8: the pattern names 40000 hosts or more; one pattern may name 10000"},
      {"e[1-1234567890]", "4: the number '1234567890' is too large; 9 digits are the most"},
      {"edge:ssh", "5: found 'ssh' as a port; a port is a number from 1 to 65535"},
      {"edge:", "5: found '' as a port; a port is a number from 1 to 65535"},
      {"edge:65536", "5: found '65536' as a port; a port is a number from 1 to 65535"},
      {"edge:0", "5: found '0' as a port; a port is a number from 1 to 65535"},
      {":22", "0: found no name before ':'; write HOST:PORT"},
      {"2001:db8::7",
       "4: found more than one ':'; an IPv6 address stands in brackets: [2001:db8::7]:2222"},
      {"[2001:db8::zz]",
       "1: found '2001:db8::zz' in brackets; that is neither an IPv6 address nor a range"},
      {"[fe80::1%]",
       "1: found 'fe80::1%' in brackets; that is neither an IPv6 address nor a range"},
      {"[::1]x", "5: found 'x' after an IPv6 address; only a port may follow: [2001:db8::7]:2222"},
      {"a..b", "0: the name 'a..b' has an empty part; write one '.' between parts"},
      {"ssh://edge", "4: found '//edge' as a port; a port is a number from 1 to 65535"}};
  for (const auto& [pattern, expected] : cases) {
    INFO(pattern);
    CHECK(mistake(pattern) == expected);
  }
  CHECK(mistake(std::string(64, 'a')).find("a part longer than 63 bytes") != std::string::npos);
  CHECK(mistake(std::string(63, 'a') + "." + std::string(200, 'b')).find("too long") !=
        std::string::npos);
}

TEST_CASE("a list of huge ranges is refused before its hosts take memory") {
  std::string pattern = "e[0-9999";
  for (int i = 0; i < 1000; ++i) pattern += ",0-9999";
  CHECK(mistake(pattern + "]").find("20000 hosts or more") != std::string::npos);
}

}  // namespace kongfleet::controller
