// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/controller/ssh_fixture.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::controller {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

/// A target behind one or two jump hosts, each an sshd of its own, told of by an ssh_config.
class JumpFixture : public LinkFixture {
public:
  JumpFixture() : first(dir.path() / "first"), second(dir.path() / "second") {
    first.authorize(key.string() + ".pub");
    second.authorize(key.string() + ".pub");
    trust({&sshd, &first, &second});
    const auto host = [](const std::string& name, const Sshd& server) {
      return "Host " + name + "\n  HostName 127.0.0.1\n  Port " + std::to_string(server.port()) +
             "\n";
    };
    config = host("first", first) + host("second", second) + host("target", sshd) +
             "Host *\n  User root\n";
  }

  void trust(const std::vector<const Sshd*>& servers) const {
    std::string lines;
    for (const Sshd* server : servers) lines += server->known_hosts_line();
    write_file(dir.path() / "known_hosts", lines);
  }

  SshSettings jumping(const std::string& jumps) const {
    write_file(dir.path() / "config", "Host target\n  ProxyJump " + jumps + '\n' + config);
    SshSettings result = settings();
    result.config_files = {dir.path() / "config"};
    return result;
  }

  HostAddress target() const { return {"target", {}, {}, {}}; }

  Sshd first;
  Sshd second;
  std::string config;
};

asio::awaitable<std::size_t> pull(HostLink& link) {
  std::size_t total = 0;
  for (;;) {
    const std::string bytes = co_await link.read(20s);
    if (bytes.empty()) co_return total;
    total += bytes.size();
  }
}

}  // namespace

TEST_CASE("a host is reached through a jump host, and through two") {
  JumpFixture fixture;
  for (const std::string jumps : {"first", "root@first,second"}) {
    SshLinks links(fixture.io.get_executor(), fixture.jumping(jumps));
    CHECK(fixture.output_of(links, fixture.target(), "echo in; exit 3") == "in\n");
    CHECK_THAT(fixture.first.log(), Contains("Accepted publickey for root"));
  }
  CHECK_THAT(fixture.second.log(), Contains("Accepted publickey for root"));
}

TEST_CASE("much data goes through two jump hosts unharmed, both ways") {
  JumpFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.jumping("first,second"));
  const auto down = fixture.await(links.open(fixture.target(), "head -c 8000000 /dev/zero"));
  CHECK(fixture.await(pull(*down)) == 8'000'000);
  const auto up = fixture.await(links.open(fixture.target(), "head -c 8000000 | sha256sum"));
  fixture.await(up->write(std::string(8'000'000, 'x'), 30s));
  // head -c 8000000 /dev/zero | tr '\0' x | sha256sum
  const std::string expected =
      run_program({"sh", "-c", "head -c 8000000 /dev/zero | tr '\\0' x | sha256sum"});
  CHECK(fixture.await(read_all(*up)) == expected);
}

TEST_CASE("the key of every jump host is checked, and the message says which host it was") {
  JumpFixture fixture;
  fixture.trust({&fixture.sshd, &fixture.first});
  CHECK(fixture.fault_of(fixture.jumping("first,second"), fixture.target()) == LinkFault::HostKey);
  CHECK_THAT(fixture.why, Contains("host 'target', jump host 'second'") && Contains("unknown"));
  fixture.trust({&fixture.first, &fixture.second});
  CHECK(fixture.fault_of(fixture.jumping("first,second"), fixture.target()) == LinkFault::HostKey);
  CHECK_THAT(fixture.why, Contains("host 'target': its key is unknown"));
}

TEST_CASE("a jump host that cannot reach the next one says so") {
  JumpFixture fixture;
  HostAddress address = fixture.target();
  address.port = 1;  // nobody listens there
  CHECK(fixture.fault_of(fixture.jumping("first"), address) == LinkFault::Connect);
  CHECK_THAT(fixture.why, Contains("jump host 'first'") && Contains("connecting on to"));
}

TEST_CASE("a jump host that dies takes its links down with it, and its death is told") {
  JumpFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.jumping("first"));
  const auto link = fixture.await(links.open(fixture.target(), "cat"));
  // The children of the first sshd serve us: they are ended by a command on a link of its own.
  const std::string kill = "pkill -9 -P " + std::to_string(fixture.first.pid());
  const HostAddress jump{"first", {}, {}, {}};
  const auto killer = fixture.await(links.open(jump, kill));
  try {
    (void)fixture.await(link->read(10s));
    FAIL("the link outlived its jump host");
  } catch (const LinkError& error) {
    CHECK(error.fault() == LinkFault::Lost);
    CHECK_THAT(error.what(), Contains("jump host 'first'"));
  }
}

TEST_CASE("twenty links through one jump host leave no descriptor behind") {
  JumpFixture fixture;
  const SshSettings settings = fixture.jumping("first");
  fixture.warm_up();
  const std::size_t before = open_descriptors();
  {
    SshLinks links(fixture.io.get_executor(), settings);
    std::vector<std::unique_ptr<HostLink>> open;
    std::size_t left = 20;
    fixture.io.restart();
    for (std::size_t i = left; i > 0; --i) {
      asio::co_spawn(fixture.io, links.open(fixture.target(), "cat"),
                     [&](const std::exception_ptr&, std::unique_ptr<HostLink> link) {
                       if (link) open.push_back(std::move(link));
                       if (--left == 0) fixture.io.stop();
                     });
    }
    fixture.io.run_for(60s);
    CHECK(open.size() == 20);
  }
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (open_descriptors() > before && std::chrono::steady_clock::now() < end) {
    fixture.io.restart();
    fixture.io.run_for(10ms);  // the bridges notice that their links are gone
  }
  CHECK(open_descriptors() <= before);
}

}  // namespace kongfleet::controller
