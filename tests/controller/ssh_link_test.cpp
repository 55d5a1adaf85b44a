// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/controller/ssh_fixture.hpp"

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>

namespace kongfleet::controller {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

asio::awaitable<std::string> echo(HostLink& link, std::string text) {
  co_await link.write(text, 60s);
  std::string back;
  while (back.size() < text.size()) {
    const std::string bytes = co_await link.read(60s);
    if (bytes.empty()) break;
    back += bytes;
  }
  co_return back;
}

asio::awaitable<void> open_and_echo(SshLinks& links, HostAddress host,
                                    std::unique_ptr<HostLink>& link, std::string& reply) {
  link = co_await links.open(host, "cat");
  reply = co_await echo(*link, "hello");
}

/// Writes `total` bytes in pieces of a megabyte.
asio::awaitable<void> push(HostLink& link, std::size_t total) {
  for (std::size_t sent = 0; sent < total; sent += 1 << 20) {
    co_await link.write(std::string(1 << 20, 'p'), 20s);
  }
}

/// Counts what the host sends, without keeping it.
asio::awaitable<std::size_t> pull(HostLink& link) {
  std::size_t total = 0;
  for (;;) {
    const std::string bytes = co_await link.read(20s);
    if (bytes.empty()) co_return total;
    total += bytes.size();
  }
}

/// What a coroutine that only fails in a LinkError failed with.
template <class T>
LinkFault fault_of(LinkFixture& fixture, asio::awaitable<T> work) {
  try {
    if constexpr (std::is_void_v<T>)
      fixture.await(std::move(work));
    else
      (void)fixture.await(std::move(work));
  } catch (const LinkError& error) {
    fixture.why = error.what();
    return error.fault();
  }
  throw Error("no LinkError came");
}

// ASan keeps freed memory back, so that what is used after it was freed is seen; TSan remembers who
// used what.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t memory_kept_back_kb = 1024 * 1024;
#else
constexpr std::size_t memory_kept_back_kb = 0;
#endif

/// Peak memory of the process, reset by writing 5 to clear_refs (proc(5)).
std::size_t peak_memory_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
  }
  throw Error("no VmHWM in /proc/self/status");
}

}  // namespace

TEST_CASE("a link carries bytes to a remote command and back") {
  LinkFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const auto link = fixture.await(links.open(fixture.host(), "cat"));
  CHECK(fixture.await(echo(*link, "hello")) == "hello");
  const std::string large(300'000, 'x');
  CHECK(fixture.await(echo(*link, large)) == large);
  CHECK(link->exit_status() == std::nullopt);
}

TEST_CASE("a link tells the exit status, the stderr and the host key's fingerprint") {
  LinkFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const auto link = fixture.await(links.open(fixture.host(), "echo out; echo oops >&2; exit 7"));
  CHECK(fixture.await(read_all(*link)) == "out\n");
  CHECK(link->exit_status() == 7);
  CHECK(link->remote_stderr() == "oops\n");
  const std::string listed = run_program(
      {"ssh-keygen", "-l", "-f", (fixture.dir.path() / "sshd/host_ed25519.pub").string()});
  CHECK_THAT(listed, Contains(link->host_key_fingerprint()));
  link->close();
  CHECK(link->exit_status() == 7);
  CHECK(link->remote_stderr() == "oops\n");
}

TEST_CASE("a command that is not there is seen in the exit status and the stderr") {
  LinkFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const auto link = fixture.await(links.open(fixture.host(), "kongfleet-agent-not-there connect"));
  CHECK(fixture.await(read_all(*link)).empty());
  CHECK(link->exit_status() == 127);
  CHECK_THAT(link->remote_stderr(), Contains("not found"));
  CHECK(fault_of(fixture, link->write("hello", 5s)) == LinkFault::Lost);
  CHECK_THAT(fixture.why, Contains("exit status 127") && Contains("not found"));
}

TEST_CASE("a command ended by a signal has no exit status") {
  LinkFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const auto link = fixture.await(links.open(fixture.host(), "kill -9 $$"));
  CHECK(fixture.await(read_all(*link)).empty());
  CHECK(link->exit_status() == std::nullopt);
}

TEST_CASE("stderr without end is taken, and only its beginning is kept") {
  LinkFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const auto link = fixture.await(
      links.open(fixture.host(), "head -c 5000000 /dev/zero | tr '\\0' e >&2; echo done"));
  CHECK(fixture.await(read_all(*link)) == "done\n");
  CHECK(link->remote_stderr() == std::string(8192, 'e'));
}

TEST_CASE("twenty megabytes go either way in flat memory") {
  constexpr std::size_t total = 20 << 20;
  LinkFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const auto up = fixture.await(links.open(fixture.host(), "cat >/dev/null"));
  const auto down = fixture.await(links.open(fixture.host(), "head -c 20971520 /dev/zero"));
  fixture.await(push(*up, 1 << 20));
  std::ofstream("/proc/self/clear_refs") << 5;
  const std::size_t before = peak_memory_kb();
  fixture.await(push(*up, total));
  CHECK(fixture.await(pull(*down)) == total);
  CHECK(peak_memory_kb() < before + 8 * 1024 + memory_kept_back_kb);
  CHECK(down->exit_status() == 0);
}

TEST_CASE("a host that stops reading holds the writer up until its time is over, in flat memory") {
  LinkFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const auto link = fixture.await(links.open(fixture.host(), "sleep 20"));
  std::ofstream("/proc/self/clear_refs") << 5;
  const std::string bytes(16 << 20, 'x');
  const std::size_t before = peak_memory_kb();
  const auto begin = std::chrono::steady_clock::now();
  CHECK(fault_of(fixture, link->write(bytes, 700ms)) == LinkFault::Timeout);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  // Our own copy of the 16 MiB, and little else.
  CHECK(peak_memory_kb() < before + 24 * 1024 + memory_kept_back_kb);
  CHECK_THAT(fixture.why, Contains("host '127.0.0.1'") && Contains("sending"));
}

TEST_CASE("a read that times out leaves the link whole") {
  LinkFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const auto link = fixture.await(links.open(fixture.host(), "cat"));
  CHECK(fault_of(fixture, link->read(100ms)) == LinkFault::Timeout);
  CHECK(fixture.await(echo(*link, "still here")) == "still here");
}

TEST_CASE("a host that dies in the middle is a lost link, whichever way it was used") {
  LinkFixture fixture;
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  // The shell's parent is the sshd that serves this connection.
  const auto reader = fixture.await(links.open(fixture.host(), "kill -9 $PPID; sleep 5"));
  CHECK(fault_of(fixture, reader->read(10s)) == LinkFault::Lost);
  const auto writer = fixture.await(
      links.open(fixture.host(), "head -c 100000 >/dev/null; kill -9 $PPID; sleep 5"));
  CHECK(fault_of(fixture, push(*writer, 20 << 20)) == LinkFault::Lost);
}

TEST_CASE("a connection reset at any stage ends in an error that names the host, and never hangs") {
  LinkFixture fixture;
  std::size_t opened = 0;
  std::size_t torn_in_login = 0;
  std::size_t torn_in_start = 0;
  for (std::size_t bytes = 0; bytes < 6000; bytes += 100) {
    RawServer relay(reset_after(fixture.sshd.port(), bytes));
    SshSettings settings = fixture.settings();
    write_file(fixture.dir.path() / "known_hosts", "127.0.0.1 " + fixture.sshd.host_key());
    SshLinks links(fixture.io.get_executor(), settings);
    const HostAddress address{"127.0.0.1", relay.port(), {}, {}};
    try {
      const auto link = fixture.await(links.open(address, "head -c 100000 /dev/zero"));
      ++opened;
      (void)fixture.await(read_all(*link));
      FAIL("the connection outlived its reset");
    } catch (const LinkError& error) {
      const std::string said = error.what();
      CHECK_THAT(said, Contains("host '127.0.0.1'"));
      // Nobody has refused anything: neither our keys nor the command.
      CHECK((error.fault() == LinkFault::Connect || error.fault() == LinkFault::Lost));
      torn_in_login += said.find("logging in") != std::string::npos;
      torn_in_start += said.find("starting '") != std::string::npos;
    }
  }
  CHECK(opened > 0);
  CHECK(torn_in_login > 0);
  CHECK(torn_in_start > 0);
}

TEST_CASE("a host is reached by its IPv6 address") {
  LinkFixture fixture;
  Sshd both(fixture.dir.path() / "both", {"ed25519"}, "ListenAddress ::1");
  both.authorize(fixture.key.string() + ".pub");
  write_file(fixture.dir.path() / "known_hosts",
             "[::1]:" + std::to_string(both.port()) + ' ' + both.host_key());
  SshLinks links(fixture.io.get_executor(), fixture.settings());
  const HostAddress address{"::1", both.port(), {}, {}};
  CHECK(fixture.output_of(links, address, "echo $SSH_CONNECTION | cut -c1-3") == "::1\n");
}

TEST_CASE("fifty links at once carry their own bytes and leave no descriptor behind") {
  LinkFixture fixture;
  fixture.warm_up();
  const std::size_t before = open_descriptors();
  {
    SshSettings settings = fixture.settings();
    settings.connect_timeout = settings.auth_timeout =
        60s;  // fifty logins at once load a small machine
    SshLinks links(fixture.io.get_executor(), settings);
    std::vector<std::unique_ptr<HostLink>> open(50);
    std::vector<std::string> replies(50);
    std::size_t left = open.size();
    fixture.io.restart();
    for (std::size_t i = 0; i < open.size(); ++i) {
      asio::co_spawn(fixture.io, open_and_echo(links, fixture.host(), open[i], replies[i]),
                     [&](const std::exception_ptr& error) {
                       if (error) replies[0] = "failed";
                       if (--left == 0) fixture.io.stop();
                     });
    }
    fixture.io.run();
    for (std::size_t i = 0; i < open.size(); ++i) CHECK(replies[i] == "hello");
    CHECK(open_descriptors() >= before + 100);
  }
  CHECK(open_descriptors() <= before);
}

TEST_CASE("no more links than allowed are open, and the next one waits for a place") {
  LinkFixture fixture;
  SshSettings settings = fixture.settings();
  settings.max_connections = 1;
  SshLinks links(fixture.io.get_executor(), settings);
  auto first = fixture.await(links.open(fixture.host(), "cat"));
  std::unique_ptr<HostLink> second;
  fixture.io.restart();
  asio::co_spawn(fixture.io, links.open(fixture.host(), "echo second"),
                 [&](const std::exception_ptr&, std::unique_ptr<HostLink> link) {
                   second = std::move(link);
                   fixture.io.stop();
                 });
  fixture.io.run_for(300ms);
  CHECK(!second);
  first->close();
  fixture.io.restart();
  fixture.io.run();
  REQUIRE(second);
  CHECK(fixture.await(read_all(*second)) == "second\n");
}

TEST_CASE("a link can be given up while it is being opened") {
  LinkFixture fixture;
  fixture.warm_up();
  const std::size_t before = open_descriptors();
  {
    asio::io_context io(1);
    SshLinks links(io.get_executor(), fixture.settings());
    for (int i = 0; i < 5; ++i) {
      asio::co_spawn(io, links.open(fixture.host(), "cat"),
                     [](const std::exception_ptr&, const std::unique_ptr<HostLink>&) {});
    }
    io.run_for(10ms);
  }
  CHECK(open_descriptors() == before);
}

}  // namespace kongfleet::controller
