// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/controller/ssh_fixture.hpp"

#include <catch2/catch.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace kongfleet::controller {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

/// A real ssh-agent on a socket of its own.
class Agent {
public:
  explicit Agent(const fs::path& dir)
      : socket((dir / "agent.sock").string()),
        process_({"ssh-agent", "-D", "-a", socket}, dir / "agent.log") {
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!is_answered() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  }
  void add(const fs::path& key) const {
    run_program({"env", "SSH_AUTH_SOCK=" + socket, "ssh-add", "-q", key.string()});
  }
  const std::string socket;

private:
  // The file is there before the agent listens.
  bool is_answered() const {
    const SshFd caller(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = unix_address(socket);
    return ::connect(caller.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
           0;
  }

  TestProcess process_;
};

/// Answers a question for its keys with `list`, where that is not empty, and nothing else ever.
class MuteAgent {
public:
  MuteAgent(const fs::path& dir, const std::string& list)
      : socket((dir / "mute.sock").string()),
        listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = unix_address(socket);
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listener_.get(), raw, sizeof address) != 0 || ::listen(listener_.get(), 64) != 0) {
      throw_errno("listening as an agent");
    }
    thread_ = std::thread([this, list] { serve(list); });
  }
  ~MuteAgent() {
    (void)::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  MuteAgent(const MuteAgent&) = delete;
  MuteAgent& operator=(const MuteAgent&) = delete;
  const std::string socket;

private:
  void serve(const std::string& list) {
    std::string answer(3, '\0');
    answer += static_cast<char>(list.size());
    answer += list;
    std::vector<pollfd> watched{{listener_.get(), POLLIN, 0}};
    std::vector<SshFd> clients;
    while (::poll(watched.data(), watched.size(), -1) > 0) {
      for (std::size_t i = 1; i < watched.size(); ++i) {
        if (watched[i].revents == 0) continue;
        char request[1024];
        const ssize_t got = ::recv(watched[i].fd, request, sizeof request, MSG_DONTWAIT);
        if (got <= 0) watched[i].fd = -1;
        const bool asks_for_keys = got >= 5 && request[4] == 11;
        if (!asks_for_keys || list.empty()) continue;
        (void)::send(watched[i].fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      }
      if (watched[0].revents == 0) continue;
      clients.emplace_back(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!clients.back()) return;  // shut down
      watched.push_back({clients.back().get(), POLLIN, 0});
    }
  }
  SshFd listener_;
  std::thread thread_;
};

std::string login(LinkFixture& fixture, const SshSettings& settings) {
  SshLinks links(fixture.io.get_executor(), settings);
  return fixture.output_of(links, fixture.host(), "echo in");
}

SshSettings agent_only(const LinkFixture& fixture, const std::string& socket) {
  SshSettings settings = fixture.settings();
  settings.identity_files = {"none"};
  settings.agent_socket = socket;
  return settings;
}

}  // namespace

TEST_CASE("ed25519, ECDSA and RSA keys log in, in OpenSSH's format and in PEM") {
  LinkFixture fixture;
  for (const std::string type : {"ed25519", "ecdsa", "rsa"}) {
    const fs::path key = fixture.dir.path() / type;
    make_key(key, type);
    CHECK(login(fixture, fixture.with_key(key)) == "in\n");
    if (type == "ed25519") continue;  // which has no PEM form
    run_program({"ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-f", key.string()});
    CHECK(login(fixture, fixture.with_key(key)) == "in\n");
  }
}

TEST_CASE("a key the host does not take is an auth fault that names the key and the user") {
  LinkFixture fixture;
  make_key(fixture.dir.path() / "stranger", "ed25519");
  SshSettings settings = fixture.settings();
  settings.identity_files = {(fixture.dir.path() / "stranger").string()};
  CHECK(fixture.fault_of(settings, fixture.host()) == LinkFault::Auth);
  CHECK_THAT(fixture.why, Contains("'root'") && Contains("stranger' (ssh-ed25519)"));
}

TEST_CASE("keys are tried one after the other until the host takes one") {
  LinkFixture fixture;
  SshSettings settings = fixture.settings();
  settings.identity_files.clear();
  for (const std::string name : {"a", "b", "c"}) {
    make_key(fixture.dir.path() / name, "ed25519");
    settings.identity_files.push_back((fixture.dir.path() / name).string());
  }
  settings.identity_files.push_back(fixture.key.string());
  CHECK(login(fixture, settings) == "in\n");
}

TEST_CASE("a host that hangs up after too many keys is an auth fault with its reason") {
  LinkFixture fixture;
  Sshd strict(fixture.dir.path() / "strict", {"ed25519"}, "MaxAuthTries 2");
  write_file(fixture.dir.path() / "known_hosts", strict.known_hosts_line());
  SshSettings settings = fixture.settings();
  settings.identity_files.clear();
  for (const std::string name : {"a", "b", "c", "d"}) {
    make_key(fixture.dir.path() / name, "ed25519");
    settings.identity_files.push_back((fixture.dir.path() / name).string());
  }
  const HostAddress address{"127.0.0.1", strict.port(), {}, {}};
  CHECK(fixture.fault_of(settings, address) == LinkFault::Auth);
  CHECK_THAT(fixture.why, Contains("Too many authentication failures"));
}

TEST_CASE("without any key the message says where to put one") {
  LinkFixture fixture;
  SshSettings settings = fixture.settings();
  settings.identity_files.clear();
  CHECK(fixture.fault_of(settings, fixture.host()) == LinkFault::Auth);
  CHECK_THAT(fixture.why, Contains("there is no key to log in with"));
}

TEST_CASE("the passphrase of an encrypted key is asked for once, however many links need it") {
  LinkFixture fixture;
  const fs::path key = fixture.dir.path() / "locked";
  make_key(key, "ed25519", "open sesame");
  SshSettings settings = fixture.with_key(key);
  std::vector<std::string> questions;
  settings.ask_passphrase = [&](const std::string& prompt, const std::stop_token&) {
    questions.push_back(prompt);
    return std::optional<std::string>(questions.size() == 1 ? "wrong" : "open sesame");
  };
  SshLinks links(fixture.io.get_executor(), settings);
  int logged_in = 0;
  fixture.io.restart();
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(fixture.io, links.open(fixture.host(), "true"),
                   [&](const std::exception_ptr& error, const std::unique_ptr<HostLink>&) {
                     if (!error && ++logged_in == 3) fixture.io.stop();
                   });
  }
  fixture.io.run_for(20s);
  CHECK(logged_in == 3);
  REQUIRE(questions.size() == 2);
  CHECK_THAT(questions[0], Contains(key.string()));
}

TEST_CASE("an encrypted key with nobody to ask is a config fault that says what to do") {
  LinkFixture fixture;
  const fs::path key = fixture.dir.path() / "locked";
  make_key(key, "ed25519", "open sesame");
  SshSettings settings = fixture.with_key(key);
  CHECK(fixture.fault_of(settings, fixture.host()) == LinkFault::Config);
  CHECK_THAT(fixture.why, Contains(key.string()) && Contains("SSH_ASKPASS"));
}

TEST_CASE("a key file that is missing, open to others or no key is named with the reason") {
  LinkFixture fixture;
  SshSettings settings = fixture.settings();
  const fs::path missing = fixture.dir.path() / "missing";
  settings.identity_files = {missing.string()};
  CHECK(fixture.fault_of(settings, fixture.host()) == LinkFault::Config);
  CHECK_THAT(fixture.why, Contains(missing.string()) && Contains("No such file"));

  CHECK(::chmod(fixture.key.c_str(), 0644) == 0);
  CHECK(fixture.fault_of(fixture.settings(), fixture.host()) == LinkFault::Config);
  CHECK_THAT(fixture.why, Contains("chmod 600 '" + fixture.key.string()));

  const fs::path text = fixture.dir.path() / "text";
  write_file(text, "-----BEGIN OPENSSH PRIVATE KEY-----\nnot a key\n");
  CHECK(::chmod(text.c_str(), 0600) == 0);
  settings.identity_files = {text.string()};
  CHECK(fixture.fault_of(settings, fixture.host()) == LinkFault::Config);
  CHECK_THAT(fixture.why, Contains(text.string()) && Contains("not a private key"));
}

TEST_CASE("a user certificate beside the key is used") {
  LinkFixture fixture;
  const fs::path authority = fixture.dir.path() / "ca";
  const fs::path key = fixture.dir.path() / "certified";
  make_key(authority, "ed25519");
  make_key(key, "ed25519");
  Sshd trusting(fixture.dir.path() / "trusting", {"ed25519"},
                "TrustedUserCAKeys " + authority.string() + ".pub");
  write_file(fixture.dir.path() / "known_hosts", trusting.known_hosts_line());
  SshSettings settings = fixture.settings();
  settings.identity_files = {key.string()};
  const HostAddress address{"127.0.0.1", trusting.port(), {}, {}};
  CHECK(fixture.fault_of(settings, address) == LinkFault::Auth);
  run_program({"ssh-keygen", "-q", "-s", authority.string(), "-I", "me", "-n", "root", "-V", "+1h",
               key.string() + ".pub"});
  SshLinks links(fixture.io.get_executor(), settings);
  CHECK(fixture.output_of(links, address, "echo in") == "in\n");
}

TEST_CASE("an ssh-agent logs us in with a key that is in no file") {
  LinkFixture fixture;
  const Agent agent(fixture.dir.path());
  agent.add(fixture.key);
  CHECK(login(fixture, agent_only(fixture, agent.socket)) == "in\n");
}

TEST_CASE("an RSA key in an ssh-agent logs in") {
  LinkFixture fixture;
  const Agent agent(fixture.dir.path());
  make_key(fixture.dir.path() / "rsa", "rsa");
  (void)fixture.with_key(fixture.dir.path() / "rsa");
  agent.add(fixture.dir.path() / "rsa");
  CHECK(login(fixture, agent_only(fixture, agent.socket)) == "in\n");
}

TEST_CASE("of an ssh-agent full of keys the one that was named is offered first") {
  LinkFixture fixture;
  const Agent agent(fixture.dir.path());
  for (int i = 0; i < 8; ++i) {
    const fs::path other = fixture.dir.path() / ("other" + std::to_string(i));
    make_key(other, "ed25519");
    agent.add(other);
  }
  const fs::path key = fixture.dir.path() / "locked";
  make_key(key, "ed25519", "secret");
  SshSettings settings = fixture.with_key(key);
  settings.agent_socket = agent.socket;
  CHECK(fixture.fault_of(settings, fixture.host()) == LinkFault::Config);  // it must be asked for
  run_program({"ssh-keygen", "-q", "-p", "-P", "secret", "-N", "", "-f", key.string()});
  agent.add(key);
  run_program({"ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", key.string()});
  CHECK(login(fixture, settings) == "in\n");
}

TEST_CASE("thirty links through one ssh-agent at once all get in") {
  LinkFixture fixture;
  const Agent agent(fixture.dir.path());
  agent.add(fixture.key);
  SshLinks links(fixture.io.get_executor(), agent_only(fixture, agent.socket));
  int done = 0;
  int failed = 0;
  fixture.io.restart();
  for (int i = 0; i < 30; ++i) {
    asio::co_spawn(fixture.io, links.open(fixture.host(), "true"),
                   [&](const std::exception_ptr& error, const std::unique_ptr<HostLink>&) {
                     if (error) ++failed;
                     if (++done == 30) fixture.io.stop();
                   });
  }
  fixture.io.run_for(60s);
  CHECK(done == 30);
  CHECK(failed == 0);
}

TEST_CASE("an ssh-agent that never signs costs its own time, not that of the other links") {
  LinkFixture fixture;
  ssh_key raw = nullptr;
  const std::string public_file = fixture.key.string() + ".pub";
  REQUIRE(ssh_pki_import_pubkey_file(public_file.c_str(), &raw) == SSH_OK);
  const std::string list = agent_keys_answer({{public_blob(raw), "the key"}});
  ssh_key_free(raw);
  const MuteAgent agent(fixture.dir.path(), list);
  SshSettings settings = fixture.settings();
  settings.identity_files.clear();
  settings.agent_socket = agent.socket;
  settings.auth_timeout = 10s;  // enough for sshd to come to the agent, on a busy machine too
  SshLinks links(fixture.io.get_executor(), settings);
  std::vector<std::string> ended;
  HostAddress by_file = fixture.host();
  by_file.identity_files = {fixture.key.string()};
  fixture.io.restart();
  constexpr std::size_t mute = 8;  // more than there are threads to wait for the agent
  for (std::size_t i = 0; i < mute; ++i) {
    asio::co_spawn(fixture.io, links.open(fixture.host(), "true"),
                   [&](const std::exception_ptr& error, const std::unique_ptr<HostLink>&) {
                     ended.push_back(text_of(error));
                     if (ended.size() == mute + 1) fixture.io.stop();
                   });
  }
  asio::co_spawn(fixture.io, links.open(by_file, "true"),
                 [&](const std::exception_ptr& error, const std::unique_ptr<HostLink>&) {
                   ended.push_back(text_of(error));
                 });
  const auto begin = std::chrono::steady_clock::now();
  fixture.io.run_for(80s);
  CHECK(std::chrono::steady_clock::now() - begin < 29s);  // not one after the other
  REQUIRE(ended.size() == mute + 1);
  CHECK(ended[0] == "opened");
  for (std::size_t i = 1; i <= mute; ++i) {
    // One that gets a thread right before its time is over has none left for the host's answer.
    CHECK_THAT(ended[i], Contains("the ssh-agent did not answer in time") ||
                             Contains("timed out; the ssh-agent, or the wait for it, took most"));
  }
}

TEST_CASE("an ssh-agent that will not sign is named in the error") {
  LinkFixture fixture;
  const Agent agent(fixture.dir.path());
  // -c: it asks for confirmation, which nobody can give.
  run_program(
      {"env", "SSH_AUTH_SOCK=" + agent.socket, "ssh-add", "-q", "-c", fixture.key.string()});
  CHECK(fixture.fault_of(agent_only(fixture, agent.socket), fixture.host()) == LinkFault::Auth);
  CHECK_THAT(fixture.why, Contains("the ssh-agent would not sign"));
}

TEST_CASE("an ssh-agent that does not even say which keys it has is named in the error") {
  LinkFixture fixture;
  const MuteAgent agent(fixture.dir.path(), "");
  SshSettings settings = agent_only(fixture, agent.socket);
  settings.auth_timeout = 500ms;
  CHECK(fixture.fault_of(settings, fixture.host()) == LinkFault::Auth);
  CHECK_THAT(fixture.why, Contains("ssh-agent at '" + agent.socket) && Contains("no answer"));
  settings.agent_socket = (fixture.dir.path() / "nobody.sock").string();
  CHECK(fixture.fault_of(settings, fixture.host()) == LinkFault::Auth);
  CHECK_THAT(fixture.why, Contains("nobody.sock") && Contains("No such file"));
}

}  // namespace kongfleet::controller
