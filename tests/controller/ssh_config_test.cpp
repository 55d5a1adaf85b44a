// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_config.hpp"

#include "controller/ssh_route.hpp"
#include "proto/error.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

namespace kongfleet::controller {
namespace {

using Catch::Matchers::Contains;
using Names = std::vector<std::string>;

/// A configuration read from `text`, with `others` to include.
SshConfig parsed(const std::string& text, const std::map<std::string, std::string>& others = {}) {
  const SshConfig::Files files{
      [&](const std::string& path) {
        const auto found = others.find(path);
        return found == others.end() ? std::nullopt : std::optional<std::string>(found->second);
      },
      [&](const std::string& pattern) {
        return others.contains(pattern) ? Names{pattern} : Names{};
      }};
  SshConfig config;
  config.add(text, "config", "/home/me/.ssh", files);
  return config;
}

SshSettings me() {
  SshSettings settings;
  settings.home = "/home/me";
  settings.local_user = "me";
  return settings;
}

SshRoute route(const std::string& name, const std::string& config,
               const SshSettings& settings = me()) {
  return find_route({name, {}, {}, {}}, settings, parsed(config));
}

/// "user@host:port …" of every hop.
std::string shown(const SshRoute& hops) {
  std::string text;
  for (const SshHop& hop : hops) {
    text += (text.empty() ? "" : " ") + hop.user + '@' + hop.host + ':' + std::to_string(hop.port);
  }
  return text;
}

}  // namespace

TEST_CASE("ssh_config: the first value found wins, and identity files add up") {
  const SshConfig config = parsed(
      "User top\n"
      "Host edge-*\n  HostName %h.example.com\n  User late\n  Port 2222\n  IdentityFile ~/a\n"
      "Host *\n  Port 22\n  IdentityFile ~/b\n  IdentitiesOnly yes\n");
  const SshHostConfig edge = config.find("edge-01");
  CHECK(edge.host_name == "edge-01.example.com");
  CHECK(edge.user == "top");
  CHECK(edge.port == 2222);
  CHECK(edge.identity_files == Names{"~/a", "~/b"});
  CHECK(edge.identities_only);
  CHECK(config.find("core").host_name == "core");
  CHECK(config.find("core").port == 22);
}

TEST_CASE("ssh_config: a Host line takes several patterns, and a negated one takes its host out") {
  const SshConfig config = parsed("Host web* db? !web-3\n User u\n");
  CHECK(config.find("web-1").user == "u");
  CHECK(config.find("db1").user == "u");
  CHECK(config.find("web-3").user == std::nullopt);
  CHECK(config.find("mail").user == std::nullopt);
}

TEST_CASE("ssh_config: equals signs, quotes, comments, tabs and any case of keywords are read") {
  const SshConfig config = parsed(
      "# comment\r\n\tHOST = a \"b c\" # more\r\n  iDENTITYfILE=\"/with blank/key\"\r\n"
      "  port\t=\t2200   # why\n\n  UserKnownHostsFile /x \"/y z\"\n");
  CHECK(config.find("a").identity_files == Names{"/with blank/key"});
  CHECK(config.find("b c").port == 2200);
  CHECK(config.find("a").user_known_hosts == Names{"/x", "/y z"});
}

TEST_CASE("ssh_config: Match all, host and originalhost are evaluated") {
  const SshConfig config = parsed(
      "Host alias\n HostName real.example\n"
      "Match host *.example\n User by-name\n"
      "Match originalhost alias host real.*\n Port 1\n"
      "Match originalhost other\n Port 2\n"
      "Match all\n HostKeyAlias everyone\n");
  const SshHostConfig found = config.find("alias");
  CHECK(found.user == "by-name");
  CHECK(found.port == 1);
  CHECK(found.host_key_alias == "everyone");
  CHECK(config.find("x").host_key_alias == "everyone");
  CHECK(config.notes().empty());
}

TEST_CASE("ssh_config: a Match that runs commands or asks for more is passed over with a note") {
  const SshConfig config = parsed(
      "Match exec \"touch /tmp/x\"\n User evil\nMatch host a user b\n Port 9\nHost *\n User "
      "good\n");
  CHECK(config.find("a").user == "good");
  CHECK(config.find("a").port == std::nullopt);
  REQUIRE(config.notes().size() == 2);
  CHECK_THAT(config.notes()[0], Contains("config:1: ") && Contains("Match exec"));
}

TEST_CASE("ssh_config: an Include stands where it is, within the block it is in") {
  const SshConfig config =
      parsed("Host in\n Include sub ~/other\n User outer\nHost *\n Port 5\n",
             {{"/home/me/.ssh/sub", "HostName included\nHost x\n User never\n"},
              {"/home/me/other", "Port 7\n"}});
  CHECK(config.find("in").host_name == "included");
  CHECK(config.find("in").user == "outer");
  CHECK(config.find("in").port == 7);
  CHECK(config.find("x").user == std::nullopt);  // its Host line is inside the block of "in"
  CHECK(config.find("x").port == 5);
}

TEST_CASE("ssh_config: Includes that go round in a circle are refused") {
  CHECK_THROWS_WITH(parsed("Include loop\n", {{"/home/me/.ssh/loop", "Include loop\n"}}),
                    Contains("too many Includes"));
}

TEST_CASE("ssh_config: a value that cannot be right is an error with file and line") {
  CHECK_THROWS_WITH(parsed("\nPort 0\n"), Contains("config:2: Port '0'"));
  CHECK_THROWS_WITH(parsed("Port 65536"), Contains("65536"));
  CHECK_THROWS_WITH(parsed("Port 22x"), Contains("22x"));
  CHECK_THROWS_WITH(parsed("IdentitiesOnly perhaps"), Contains("perhaps"));
  CHECK_THROWS_WITH(parsed("User"), Contains("missing"));
  CHECK_NOTHROW(parsed("SomethingNew with values\nCompression yes\n"));
}

TEST_CASE("ssh_config: random bytes never crash the parser") {
  std::mt19937 random(11);
  const std::string good = "Host a* !b \"c d\"\n HostName %h\nMatch host x\n Port 22\nUser=u\n";
  for (int round = 0; round < 5000; ++round) {
    std::string text = good;
    for (int i = 0; i < 4; ++i) text[random() % text.size()] = static_cast<char>(random() & 0xffU);
    text.resize(random() % (text.size() + 1));
    try {
      (void)parsed(text).find("a");
    } catch (const Error&) {
      // a value that cannot be right
    }
  }
}

TEST_CASE("route: the address goes before the fleet, and the fleet before ssh_config") {
  SshSettings settings = me();
  const std::string config = "User c\nPort 3\nIdentityFile ~/c-%h-%r-%u-%%\n";
  SshRoute hops = route("edge", config, settings);
  CHECK(shown(hops) == "c@edge:3");
  CHECK(hops[0].identity_files == Names{"/home/me/c-edge-c-me-%"});
  settings.user = "fleet";
  settings.port = 2;
  settings.identity_files = {"%d/fleet"};
  hops = route("edge", config, settings);
  CHECK(shown(hops) == "fleet@edge:3");
  CHECK(hops[0].identity_files == Names{"/home/me/fleet"});
  hops = find_route({"edge", std::uint16_t{1}, "own", {"/k"}}, settings, parsed(config));
  CHECK(shown(hops) == "own@edge:1");
  CHECK(hops[0].identity_files == Names{"/k"});
  CHECK(shown(route("edge", "", settings)) == "fleet@edge:2");
}

TEST_CASE("route: where nothing is said we are ourselves, on port 22, with the usual keys") {
  const SshRoute hops = route("edge", "");
  CHECK(shown(hops) == "me@edge:22");
  CHECK(hops[0].default_identities);
  CHECK(hops[0].identity_files.front() == "/home/me/.ssh/id_ed25519");
  CHECK(hops[0].known_hosts.front() == "/home/me/.ssh/known_hosts");
  CHECK(hops[0].known_hosts[2] == "/etc/ssh/ssh_known_hosts");
}

TEST_CASE("route: the fleet's known_hosts are the only ones, for jump hosts too") {
  SshSettings settings = me();
  settings.known_hosts = {"/fleet/known_hosts"};
  for (const SshHop& hop : route("a", "Host a\nProxyJump b\nUserKnownHostsFile /x\n", settings)) {
    CHECK(hop.known_hosts == std::vector<std::filesystem::path>{"/fleet/known_hosts"});
  }
}

TEST_CASE("route: jump hosts have their own user, port and configuration") {
  SshSettings settings = me();
  settings.user = "fleet";
  CHECK(shown(route("a", "Host a\nProxyJump u@b:2200,c\nHost c\nHostName cc\nUser x\n",
                    settings)) == "u@b:2200 x@cc:22 fleet@a:22");
  CHECK(shown(route("a", "Host a\nProxyJump ssh://u@[2001:db8::1]:77\n")) ==
        "u@2001:db8::1:77 me@a:22");
  CHECK(shown(route("a", "Host a\nProxyJump none\nHost *\nProxyJump b\n")) == "me@a:22");
}

TEST_CASE("route: a jump host behind another is reached through it, and a circle is refused") {
  CHECK(shown(route("a", "Host a\nProxyJump b\nHost b\nProxyJump c\n")) ==
        "me@c:22 me@b:22 me@a:22");
  CHECK_THROWS_WITH(route("a", "Host *\nProxyJump b\n"), Contains("circle"));
  CHECK_THROWS_WITH(route("a", "Host a\nProxyJump b:x\n"), Contains("port"));
  CHECK_THROWS_WITH(route("a", "Host a\nProxyJump 1,2,3,4,5,6,7,8,9\n"), Contains("more than 8"));
}

TEST_CASE("route: a ProxyCommand is refused, not overlooked") {
  CHECK_THROWS_WITH(route("a", "ProxyCommand nc %h %p\n"), Contains("ProxyCommand"));
  CHECK(shown(route("a", "ProxyCommand none\n")) == "me@a:22");
}

TEST_CASE("route: what is no plain name is refused wherever it comes from") {
  CHECK_THROWS_WITH(route("-oProxyCommand=x", ""), Contains("not a host name"));
  CHECK_THROWS_WITH(route("a", "HostName -oProxyCommand=x\n"), Contains("not a host name"));
  CHECK_THROWS_WITH(route("a", "HostName a;b\n"), Contains("not a host name"));
  CHECK_THROWS_WITH(route("a", "Host a\nProxyJump -x\n"), Contains("not a host name"));
  CHECK_THROWS_WITH(route("a", "User \"a b\"\n"), Contains("not a user name"));
  CHECK_THROWS_WITH(route("a", "IdentityFile /k-%Z\n"), Contains("token"));
  CHECK(shown(route("[2001:db8::7]", "")) == "me@2001:db8::7:22");
}

}  // namespace kongfleet::controller
