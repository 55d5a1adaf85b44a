// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/controller/ssh_fixture.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/stat.h>

namespace kongfleet::controller {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

fs::path known_hosts(const LinkFixture& fixture) { return fixture.dir.path() / "known_hosts"; }

std::string fingerprint(const LinkFixture& fixture, const std::string& public_key) {
  const std::string listed =
      run_program({"ssh-keygen", "-l", "-f", (fixture.dir.path() / public_key).string()});
  const std::size_t begin = listed.find("SHA256:");
  return listed.substr(begin, listed.find(' ', begin) - begin);
}

void send_text(int fd, const std::string& text) {
  (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace

TEST_CASE("an unknown host key is refused before we log in, with its fingerprint and what to do") {
  LinkFixture fixture;
  write_file(known_hosts(fixture), "");
  CHECK(fixture.fault_of(fixture.settings(), fixture.host()) == LinkFault::HostKey);
  CHECK_THAT(fixture.why, Contains("host '127.0.0.1'") && Contains("unknown"));
  CHECK_THAT(fixture.why, Contains(fingerprint(fixture, "sshd/host_ed25519.pub")));
  CHECK_THAT(fixture.why, Contains("ssh-keyscan -p " + std::to_string(fixture.sshd.port()) +
                                   " 127.0.0.1 >> '" + known_hosts(fixture).string() + '\''));
  CHECK_THAT(fixture.sshd.log(), !Contains("root"));
}

TEST_CASE("a changed host key is refused with both fingerprints, the line on file and what to do") {
  LinkFixture fixture;
  make_key(fixture.dir.path() / "other", "ed25519");
  write_file(known_hosts(fixture), "# a comment\n" + fixture.sshd.known_hosts_name() + ' ' +
                                       read_file(fixture.dir.path() / "other.pub"));
  CHECK(fixture.fault_of(fixture.settings(), fixture.host()) == LinkFault::HostKey);
  CHECK_THAT(fixture.why, Contains("changed") && Contains(fingerprint(fixture, "other.pub")));
  CHECK_THAT(fixture.why, Contains(fingerprint(fixture, "sshd/host_ed25519.pub")));
  CHECK_THAT(fixture.why, Contains(known_hosts(fixture).string() + ":2"));
  CHECK_THAT(fixture.why, Contains("ssh-keygen -R '" + fixture.sshd.known_hosts_name() + '\''));
  CHECK_THAT(fixture.sshd.log(), !Contains("root"));
}

TEST_CASE("a revoked host key is refused even where it is on file as good") {
  LinkFixture fixture;
  write_file(known_hosts(fixture),
             fixture.sshd.known_hosts_line() + "@revoked * " + fixture.sshd.host_key() + '\n');
  CHECK(fixture.fault_of(fixture.settings(), fixture.host()) == LinkFault::HostKey);
  CHECK_THAT(fixture.why, Contains("revoked") && Contains(known_hosts(fixture).string() + ":2"));
}

TEST_CASE("a host known by one key only is asked for that one") {
  LinkFixture fixture;
  Sshd several(fixture.dir.path() / "several", {"ed25519", "ecdsa", "rsa"});
  several.authorize(fixture.key.string() + ".pub");
  for (const std::string type : {"ecdsa", "rsa", "ed25519"}) {
    write_file(known_hosts(fixture), several.known_hosts_line(type));
    SshLinks links(fixture.io.get_executor(), fixture.settings());
    const HostAddress address{"127.0.0.1", several.port(), {}, {}};
    CHECK(fixture.output_of(links, address, "echo " + type) == type + '\n');
  }
}

TEST_CASE("a known_hosts file hashed by ssh-keygen works") {
  LinkFixture fixture;
  run_program({"ssh-keygen", "-q", "-H", "-f", known_hosts(fixture).string()});
  CHECK_THAT(read_file(known_hosts(fixture)), Contains("|1|"));
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  CHECK(fixture.output_of(links, fixture.host(), "echo in") == "in\n");
}

TEST_CASE("nobody at the port is a connect fault that says so") {
  LinkFixture fixture;
  std::uint16_t free_port = 0;
  {
    const RawServer gone([](int) {});
    free_port = gone.port();
  }
  const HostAddress address{"127.0.0.1", free_port, {}, {}};
  CHECK(fixture.fault_of(fixture.settings(), address) == LinkFault::Connect);
  CHECK_THAT(fixture.why, Contains("127.0.0.1 port " + std::to_string(free_port)) &&
                              Contains("Connection refused"));
}

TEST_CASE("a name without an address is a resolve fault") {
  LinkFixture fixture;
  const HostAddress address{"no-such-host.invalid", std::nullopt, {}, {}};
  CHECK(fixture.fault_of(fixture.settings(), address) == LinkFault::Resolve);
  CHECK_THAT(fixture.why, Contains("looking up 'no-such-host.invalid'"));
}

TEST_CASE("a host that accepts and then stays silent is given up in our time") {
  LinkFixture fixture;
  SshSettings settings = fixture.settings();
  settings.connect_timeout = 300ms;
  for (const std::string said : {"", "SSH-2.0-OpenSSH_9.2\r\n", "a greeting without end\n"}) {
    RawServer silent([said](int fd) { send_text(fd, said); });
    const auto begin = std::chrono::steady_clock::now();
    const HostAddress address{"127.0.0.1", silent.port(), {}, {}};
    CHECK(fixture.fault_of(settings, address) == LinkFault::Timeout);
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
    CHECK_THAT(fixture.why, Contains("exchanging keys") && Contains("timed out"));
  }
}

TEST_CASE("a host that does not speak SSH, or hangs up, is a connect fault at once") {
  LinkFixture fixture;
  const std::string garbage(100'000, '\x9d');
  std::string huge_packet = "SSH-2.0-x\r\n";
  huge_packet += "\xff\xff\xff\xff" + std::string(100, 'z');
  for (const std::string& said : {garbage, huge_packet, std::string("HTTP/1.1 400 Bad\r\n\r\n")}) {
    RawServer server([&said](int fd) {
      send_text(fd, said);
      (void)::shutdown(fd, SHUT_RDWR);
    });
    const auto begin = std::chrono::steady_clock::now();
    const HostAddress address{"127.0.0.1", server.port(), {}, {}};
    CHECK(fixture.fault_of(fixture.settings(), address) == LinkFault::Connect);
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
  }
}

TEST_CASE("names and users that could be taken for something else are refused") {
  LinkFixture fixture;
  for (const std::string name : {"-oProxyCommand=id", "", "a b", "a;id", "a\nb", "$(id)", "a'b"}) {
    const HostAddress address{name, std::nullopt, {}, {}};
    CHECK(fixture.fault_of(fixture.settings(), address) == LinkFault::Config);
  }
  HostAddress address = fixture.host();
  address.user = "-l";
  CHECK(fixture.fault_of(fixture.settings(), address) == LinkFault::Config);
}

TEST_CASE("a name with several addresses is reached at the one that answers") {
  LinkFixture fixture;  // sshd listens on 127.0.0.1 only; localhost is often ::1 first
  write_file(known_hosts(fixture),
             "[localhost]:" + std::to_string(fixture.sshd.port()) + ' ' + fixture.sshd.host_key());
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const HostAddress address{"localhost", fixture.sshd.port(), {}, {}};
  CHECK(fixture.output_of(links, address, "echo in") == "in\n");
}

}  // namespace kongfleet::controller
