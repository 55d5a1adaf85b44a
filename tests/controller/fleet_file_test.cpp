// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_file.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

// Every key there is; the example of the documentation with a few more.
constexpr std::string_view everything = R"([fleet]
name  = "edge"
state = "sqlite:edge.db"

[ssh]
user = "kongfleet"
known_hosts = "known_hosts"
connect_timeout = "10s"
max_connections = 64
identity = ["~/.ssh/deploy", "keys/id"]
config = "ssh_config"

[plugins.my-plugin]
source  = "plugins/my-plugin"
version = "1.2.0"

[plugins.other]
source = "git+file:///srv/plugins.git#v1.2.0:other"

[groups.edge]
hosts   = ["edge-[01-20].example.net", "[2001:db8::7]:2222"]
plugins = ["my-plugin"]
probes  = ["echo"]

[groups.canary]
hosts   = ["edge-02.example.net"]
plugins = ["other", "my-plugin"]
probes  = ["port"]
agent   = "kongfleet-agent --config /etc/a.toml connect"

[rollout]
waves           = [1, "10%", "50%", "100%"]
bake            = "90s"
max_unavailable = 2
max_failures    = 1
on_failure      = "pause"
deadline        = "4m"
confirm_timeout = "9m"

[probes.echo]
type = "http"
url = "http://127.0.0.1:8000/mock/anything"
status = 201
header = { X-MyPlugin = "http://.*", "Content-Type" = "json" }
body = "o[k]"
interval = "400ms"
timeout = "1s"
successes = 2

[probes.port]
type = "tcp"
address = "127.0.0.1:8000"
)";

Fleet parse(std::string_view text) {
  return parse_fleet(text, {.path = "dir/fleet.toml", .home = "/home/me"});
}

std::string mistake(const std::string& text) {
  return message_of([&] { parse_fleet(text, {.path = "fleet.toml", .home = "/home/me"}); });
}

constexpr const char* head = "[fleet]\nname = \"f\"\n";
constexpr const char* group = "[groups.g]\nhosts = [\"a\"]\nplugins = []\n";

}  // namespace

TEST_CASE("the ssh settings of a fleet file come out as written, paths beside the file") {
  const auto ssh = parse(everything).ssh;
  CHECK(ssh.user == "kongfleet");
  CHECK(ssh.known_hosts == "dir/known_hosts");
  CHECK(ssh.config == "dir/ssh_config");
  CHECK(ssh.identity_files ==
        std::vector<std::filesystem::path>{"/home/me/.ssh/deploy", "dir/keys/id"});
  CHECK(ssh.connect_timeout == 10s);
  CHECK(ssh.max_connections == 64);
}

TEST_CASE("a fleet's state is beside its file, where nothing else is said") {
  const std::string group = "[groups.g]\nhosts = [\"a\"]\nplugins = []\n";
  const auto state = [&](const std::string& line) {
    return parse("[fleet]\nname = \"east\"\n" + line + group).state;
  };
  CHECK(state("") == "sqlite:dir/east.db");
  CHECK(state("state = \"sqlite:../a.db\"\n") == "sqlite:a.db");
  CHECK(state("state = \"sqlite:/var/lib/a.db\"\n") == "sqlite:/var/lib/a.db");
}

TEST_CASE("the plugins of a fleet file come out in order, with their sources") {
  const auto fleet = parse(everything);
  CHECK(fleet.name == "edge");
  CHECK(fleet.state == "sqlite:dir/edge.db");
  REQUIRE(fleet.plugins.size() == 2);
  const auto& plugin = fleet.plugin("my-plugin");
  CHECK(plugin.source.kind == SourceKind::Path);
  CHECK(plugin.source.path == "dir/plugins/my-plugin");
  CHECK(plugin.version->text() == "1.2.0");
  CHECK(plugin.where == "dir/fleet.toml:13:10");
  const auto& other = fleet.plugin("other").source;
  CHECK(other.kind == SourceKind::Git);
  CHECK(other.path == "/srv/plugins.git");
  CHECK(other.ref == "v1.2.0");
  CHECK(other.directory == "other");
}

TEST_CASE("groups resolve to hosts, each once, with what all its groups give it") {
  const auto fleet = parse(everything);
  REQUIRE(fleet.hosts.size() == 21);
  CHECK(fleet.hosts[0].label() == "edge-01.example.net");
  CHECK(fleet.hosts[20].label() == "[2001:db8::7]:2222");
  CHECK(fleet.hosts[0].agent_command == "kongfleet-agent connect");
  CHECK(fleet.hosts[0].plugins == Names{"my-plugin"});
  const auto& both = fleet.hosts[1];
  CHECK(both.groups == Names{"edge", "canary"});
  CHECK(both.plugins == Names{"my-plugin", "other"});
  CHECK(both.probes == Names{"echo", "port"});
  CHECK(both.agent_command == "kongfleet-agent --config /etc/a.toml connect");
  CHECK(fleet.groups[1].hosts == Names{"edge-02.example.net"});
}

TEST_CASE("the rollout policy comes out as written") {
  const auto policy = parse(everything).rollout;
  CHECK(policy.waves == RolloutPolicy{}.waves);
  CHECK(policy.bake == 90s);
  CHECK(policy.max_unavailable == Amount{Amount::Kind::Count, 2});
  CHECK(policy.max_failures == 1);
  CHECK(policy.on_failure == OnFailure::Pause);
  CHECK(policy.deadline == 4min);
  CHECK(policy.confirm_timeout == 9min);
}

TEST_CASE("probes come out as written") {
  const auto fleet = parse(everything);
  const auto& echo = fleet.probe("echo");
  CHECK(echo.type == ProbeType::Http);
  CHECK(echo.url == "http://127.0.0.1:8000/mock/anything");
  CHECK(echo.status == 201);
  REQUIRE(echo.header.size() == 2);
  CHECK(echo.header[0].first == "X-MyPlugin");
  CHECK(echo.header[0].second == "http://.*");
  CHECK(echo.body == "o[k]");
  CHECK(echo.interval == 400ms);
  CHECK(echo.timeout == 1s);
  CHECK(echo.successes == 2);
  CHECK(fleet.probe("port").type == ProbeType::Tcp);
  CHECK(fleet.probe("port").address == "127.0.0.1:8000");
}

TEST_CASE("what a fleet file leaves out has the documented default") {
  const auto fleet = parse(std::string(head) + group);
  CHECK_FALSE(fleet.ssh.user);
  CHECK(fleet.ssh.known_hosts.empty());
  CHECK(fleet.ssh.connect_timeout == 10s);
  CHECK(fleet.ssh.max_connections == 128);
  CHECK(fleet.rollout.waves.size() == 4);
  CHECK(fleet.rollout.bake == 60s);
  CHECK(fleet.rollout.max_unavailable == Amount{Amount::Kind::Percent, 10});
  CHECK(fleet.rollout.max_failures == 0);
  CHECK(fleet.rollout.on_failure == OnFailure::Rollback);
  CHECK(fleet.rollout.deadline == 5min);
  CHECK(fleet.rollout.confirm_timeout == 10min);
  CHECK(fleet.hosts[0].plugins.empty());
}

TEST_CASE("a mistake in a host pattern is told with its very column") {
  CHECK(mistake(std::string(head) + "[groups.g]\nhosts = [\"a\", \"b[2-1]\"]\nplugins = []\n") ==
        "fleet.toml:4:18: the range '2-1' counts down; write the smaller number first");
  CHECK(mistake(std::string(head) + "[groups.g]\nhosts = ['a;b']\n") ==
        "fleet.toml:4:12: found ';' in a host's name; letters, digits, '.', '-' and '_' are "
        "allowed");
  CHECK(mistake(std::string(head) + "[groups.g]\nhosts = [\"\\u0061;b\"]\n") ==
        "fleet.toml:4:10: found ';' in a host's name; letters, digits, '.', '-' and '_' are "
        "allowed");
}

TEST_CASE("one host under two spellings is a mistake") {
  const auto hosts = [](const std::string& list) {
    return mistake(std::string(head) + "[groups.g]\nplugins = []\nhosts = [" + list + "]\n");
  };
  CHECK(hosts(R"("a", "A")") ==
        "fleet.toml:5:15: found the host 'A', which is 'a' of line 5; write it the same way "
        "everywhere");
  CHECK(hosts(R"("a", "a:22")") ==
        "fleet.toml:5:15: found the host 'a:22', which is 'a' of line 5; write it the same way "
        "everywhere");
  CHECK(hosts(R"("a", "a", "a:23")") == "(no error)");
}

TEST_CASE("two groups cannot name different agents for a host") {
  CHECK(mistake(std::string(head) + "[groups.a]\nhosts = [\"x\"]\nplugins = []\nagent = \"one\"\n"
                                    "[groups.b]\nhosts = [\"x\"]\nagent = \"two\"\n") ==
        "fleet.toml:8:10: the groups 'a' and 'b' name different agents for the host 'x'; a host "
        "has one agent");
}

TEST_CASE("a fleet file that cannot be read is one message") {
  const ScratchDirectory scratch;
  const auto message = [&](const std::string& name) {
    return replaced(message_of([&] { load_fleet(scratch.path() / name); }), scratch.path().string(),
                    "DIR");
  };
  CHECK(message("fleet.toml") ==
        "there is no fleet file 'DIR/fleet.toml'; 'kongfleet init' writes one, '-f FILE' names "
        "another");
  std::filesystem::create_directory(scratch.path() / "d");
  CHECK(message("d") == "read fleet file 'DIR/d': it is a directory");
  scratch.write("big.toml", std::string((4U << 20U) + 1, '#'));
  CHECK(message("big.toml") == "read fleet file 'DIR/big.toml': it is larger than 4 MiB");
  scratch.write("good.toml", std::string(head) + group);
  CHECK(load_fleet(scratch.path() / "good.toml").name == "f");
}

TEST_CASE("a fleet file of many hosts is read in one go") {
  std::string text = std::string(head) + "[groups.g]\nplugins = []\nhosts = [";
  for (int rack = 0; rack < 10; ++rack) text += "\"r" + std::to_string(rack) + "-[1-10000]\", ";
  CHECK(parse(text + "]\n").hosts.size() == 100'000);
  CHECK(mistake(text + "\"x\"]\n").find("more than 100000 hosts") != std::string::npos);
}

TEST_CASE("cutting a fleet file anywhere gives a fleet or one located message") {
  for (std::size_t cut = 0; cut < everything.size(); ++cut) {
    const auto message = mistake(std::string(everything.substr(0, cut)));
    const bool located = message == "(no error)" || message.starts_with("fleet.toml:");
    if (!located || message.find('\n') != std::string::npos) FAIL(message);
  }
}

}  // namespace kongfleet::controller
