// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/config.hpp"

#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;

/// A configuration file with this text.
class File {
public:
  explicit File(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "kfc-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory_ = name;
    std::ofstream(path()) << text;
  }
  ~File() { std::filesystem::remove_all(directory_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  std::filesystem::path path() const { return directory_ / "a.toml"; }

private:
  std::filesystem::path directory_;
};

/// What is wrong with a text, without the file's directory: "3:1: found …, expected …".
std::string mistake(const std::string& text) {
  const File file(text);
  try {
    load_config(file.path());
  } catch (const Error& error) {
    const std::string what = error.what();
    REQUIRE(what.starts_with(file.path().string() + ":"));
    return what.substr(file.path().string().size() + 1);
  }
  return "none";
}

Config read(const std::string& text) {
  const File file(text);
  return load_config(file.path());
}

const std::string tcp_probe = "[[probe]]\nname = \"p\"\ntype = \"tcp\"\naddress = \"[::1]:80\"\n";

}  // namespace

TEST_CASE("the example of the manual is read whole") {
  const auto config = read(R"(
[kong]
conf   = "/srv/kong.conf"
prefix = "/srv/kong"
binary = "/opt/kong/bin/kong"
unit   = "none"
admin  = "http://127.0.0.1:8001/"
status = "none"
configure = "file"
[agent]
socket = "/run/a.sock"
state  = "/srv/state"
keep   = 7
reserve = "1GiB"
group = "deploy"
[trust]
signatures = "required"
allowed_signers = "/etc/kongfleet/signers"
revoked_keys = "/etc/kongfleet/revoked"
fleet = "edge"
serial_jump = 1000
[[probe]]
name = "proxy"
type = "tcp"
address = "127.0.0.1:8000"
interval = "100ms"
timeout = "3s"
successes = 2
[[probe]]
name = "echo"
type = "http"
url = "http://127.0.0.1:8000/mock"
status = 204
header = { X-MyPlugin = "http://.*" }
body = "^ok"
[[probe]]
name = "check"
type = "command"
command = ["/usr/bin/true", "-x"]
)");
  CHECK(config.conf == "/srv/kong.conf");
  CHECK(config.prefix == "/srv/kong");
  CHECK(config.binary == "/opt/kong/bin/kong");
  CHECK(config.unit == "none");
  CHECK(config.admin == "http://127.0.0.1:8001");
  CHECK(config.status == "none");
  CHECK(config.socket == "/run/a.sock");
  CHECK(config.state == "/srv/state");
  CHECK(config.keep == 7);
  CHECK(config.reserve == std::uint64_t{1} << 30);
  CHECK(config.group == "deploy");
  CHECK(config.signatures == "required");
  CHECK(config.allowed_signers == "/etc/kongfleet/signers");
  CHECK(config.revoked_keys == "/etc/kongfleet/revoked");
  CHECK(config.fleet == "edge");
  CHECK(config.serial_jump == 1000);
  REQUIRE(config.probes.size() == 3);
  CHECK(config.probes[0].type == ProbeType::Tcp);
  CHECK(config.probes[0].interval == 100ms);
  CHECK(config.probes[0].timeout == 3s);
  CHECK(config.probes[0].successes == 2);
  CHECK(config.probes[1].own);
  CHECK(config.probes[1].status == 204);
  CHECK(config.probes[1].header.front().second == "http://.*");
  CHECK(config.probes[1].body == "^ok");
  CHECK(config.probes[2].command == std::vector<std::string>{"/usr/bin/true", "-x"});
}

TEST_CASE("an empty file has every default") {
  const auto config = read("");
  CHECK(config.conf == "/etc/kong/kong.conf");
  CHECK(config.unit == "auto");
  CHECK(config.keep == 5);
  CHECK(config.reserve == std::uint64_t{64} << 20);
  CHECK(config.probes.empty());
}

TEST_CASE("a file that isn't there is an error, unless it is the default one") {
  CHECK_THROWS_AS(load_config("/nonexistent/agent.toml"), Error);
  CHECK(load_config("/nonexistent/agent.toml", "/nonexistent/agent.toml").keep == 5);
}

TEST_CASE("a default file that leads nowhere or can't be looked at is no missing one") {
  const File given("");
  const auto at = [&](const char* name) { return given.path().parent_path() / name; };
  std::filesystem::create_symlink("nowhere", at("dangling"));
  std::filesystem::create_symlink("loop", at("loop"));
  std::ofstream(at("file")) << "";
  for (const auto* name : {"dangling", "dangling/agent.toml", "loop", "loop/agent.toml",
                           "file/agent.toml", "dangling/more/agent.toml"}) {
    INFO(name);
    CHECK_THROWS_AS(load_config(at(name), at(name)), Error);
  }
  CHECK(load_config(at("a/b/agent.toml"), at("a/b/agent.toml")).keep == 5);
}

TEST_CASE("a mistake is told with line, column, what was found and what would be right") {
  CHECK(mistake("[kong]\nconv = \"/a\"\n") ==
        "2:1: found unknown key 'conv' in [kong], expected 'conf', did you mean that?");
  CHECK(mistake("[agent]\nwarp = 1\n") ==
        "2:1: found unknown key 'warp' in [agent], expected one of 'socket', 'state', 'keep', "
        "'reserve', 'group'");
  CHECK(mistake("[kongs]\n") ==
        "1:2: found unknown key 'kongs' in the file, expected 'kong', did you mean that?");
  CHECK(mistake("[agent]\n\nkeep = \"5\"\n") ==
        "3:8: found the text \"5\" for 'keep', expected a number from 1 to 1000");
  CHECK(mistake("[agent]\nkeep = 0\n") ==
        "2:8: found the number 0 for 'keep', expected a number from 1 to 1000");
  CHECK(mistake("[agent]\nreserve = \"64MB\"\n") ==
        "2:11: found the text \"64MB\" for 'reserve', expected a size such as \"64MiB\" (B, KiB, "
        "MiB, GiB, TiB)");
  CHECK(mistake("[kong]\nconf = \"kong.conf\"\n") ==
        "2:8: found the text \"kong.conf\" for 'conf', expected an absolute path, beginning with "
        "'/'");
  CHECK(mistake("kong = 1\n") == "1:8: found the number 1 for 'kong', expected a section [kong]");
  CHECK(mistake(tcp_probe + "timeout = \"2 s\"\n") ==
        "5:11: found the text \"2 s\" for 'timeout', expected a duration such as \"500ms\" (ms, s, "
        "m, h), above 0 and at most 24h");
}

TEST_CASE("of several unknown keys the first in the file is told") {
  CHECK(mistake("[kong]\nzzz = 1\naaa = 1\n").starts_with("2:1: found unknown key 'zzz'"));
}

TEST_CASE("signatures can be required only where it is said of which fleet") {
  CHECK(mistake("[trust]\nsignatures = \"maybe\"\n") ==
        "2:14: found the text \"maybe\" for 'signatures', expected \"required\" or \"optional\" or "
        "\"off\"");
  CHECK_THAT(
      mistake("[trust]\nsignatures = \"required\"\n"),
      Catch::StartsWith("2:14: found the text \"required\" for 'signatures' and no 'fleet'"));
  CHECK(
      mistake("[trust]\nfleet = \"../e\"\n") ==
      "2:9: found the text \"../e\" for 'fleet', expected the name that [fleet] of the fleet file "
      "has");
  CHECK_THAT(mistake("[trust]\nserial_jump = 0\n"), Catch::StartsWith("2:15: found the number 0"));
}

TEST_CASE("what this version does not have is refused by name") {
  CHECK(mistake("[kong]\nadmin = \"https://127.0.0.1:8444\"\n")
            .find("https is not supported by this version") != std::string::npos);
}

TEST_CASE("Kong is configured in kong.conf, or in the environment of its unit") {
  CHECK(mistake("[kong]\nconfigure = \"environment\"\n") == "none");
  CHECK(mistake("[kong]\nconfigure = \"registry\"\n") ==
        "2:13: found the text \"registry\" for 'configure', expected \"file\" or \"environment\"");
  CHECK(mistake("[kong]\nunit = \"none\"\nconfigure = \"environment\"\n") ==
        "3:13: found the text \"environment\" for 'configure' beside unit = \"none\", expected "
        "\"file\": only a unit has an environment to manage");
}

TEST_CASE("text that could be read as something else is refused") {
  CHECK(mistake("[kong]\nunit = \"--all\"\n").find("for 'unit'") != std::string::npos);
  CHECK(mistake("[kong]\nbinary = \"bin/kong\"\n").find("for 'binary'") != std::string::npos);
  CHECK(mistake("[kong]\nconf = \"/a\\nb\"\n").find("one line") != std::string::npos);
  CHECK(mistake("[agent]\nsocket = \"/" + std::string(107, 'a') + "\"\n").find("at most 107") !=
        std::string::npos);
}

TEST_CASE("probes are checked one by one") {
  const auto probe = [](const std::string& rest) {
    return mistake("[[probe]]\nname = \"p\"\n" + rest);
  };
  CHECK(probe("type = \"icmp\"\n").find("expected type = \"http\", \"tcp\" or \"command\"") !=
        std::string::npos);
  CHECK(probe("").find("found no 'type'") != std::string::npos);
  CHECK(probe("type = \"http\"\n").find("found no 'url'") != std::string::npos);
  CHECK(probe("type = \"http\"\nurl = \"http://a\"\nbody = \"(\"\n").find("regular expression") !=
        std::string::npos);
  CHECK(probe("type = \"http\"\nurl = \"http://a\"\nheader = { X = \"[\" }\n")
            .find("regular expression") != std::string::npos);
  CHECK(probe("type = \"tcp\"\naddress = \"127.0.0.1\"\n").find("\"HOST:PORT\"") !=
        std::string::npos);
  CHECK(
      probe("type = \"tcp\"\naddress = \"a:1\"\nurl = \"http://a\"\n").find("unknown key 'url'") !=
      std::string::npos);
  CHECK(probe("type = \"command\"\ncommand = [\"true\"]\n").find("absolute path") !=
        std::string::npos);
  CHECK(probe("type = \"command\"\ncommand = [1]\n").find("list of texts") != std::string::npos);
  CHECK(mistake("[[probe]]\ntype = \"tcp\"\n").find("found no 'name'") != std::string::npos);
  CHECK(mistake("probe = 1\n").find("expected [[probe]]") != std::string::npos);
  CHECK(mistake(tcp_probe + tcp_probe).find("a second probe named 'p'") != std::string::npos);
}

TEST_CASE("a file that is no TOML is told with its place") {
  CHECK(mistake("[kong\n").starts_with("1:6: found a mistake in the TOML: "));
}

TEST_CASE("who besides root may write the settings is remembered with them") {
  const File file("");
  CHECK(load_config(file.path()).who_may_write.empty());
  std::filesystem::permissions(file.path(), std::filesystem::perms(0666));
  CHECK_THAT(load_config(file.path()).who_may_write,
             Catch::EndsWith("a.toml' can be written by everybody"));
}

TEST_CASE("what the example of agent.toml says holds without it, too") {
  const auto example = load_config(KONGFLEET_SOURCE "/packaging/examples/agent.toml");
  const Config none;
  CHECK(example.conf == none.conf);
  CHECK(example.prefix == none.prefix);
  CHECK(example.binary == none.binary);
  CHECK(example.unit == none.unit);
  CHECK(example.admin == none.admin);
  CHECK(example.status == none.status);
  CHECK(example.configure == none.configure);
  CHECK(example.socket == none.socket);
  CHECK(example.state == none.state);
  CHECK(example.keep == none.keep);
  CHECK(example.reserve == none.reserve);
  CHECK(example.signatures == none.signatures);
  CHECK(example.allowed_signers == none.allowed_signers);
  CHECK(example.revoked_keys == none.revoked_keys);
  CHECK(example.fleet == none.fleet);
  CHECK(example.serial_jump == none.serial_jump);
  CHECK(example.probes.empty());
}

}  // namespace kongfleet::agent::test
