// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// What a first-time user gets wrong in a fleet file, and the message for it.
#include "controller/fleet_file.hpp"

#include <catch2/catch.hpp>

#include "tree_fixture.hpp"

namespace kongfleet::controller {

namespace {

struct Case {
  std::string text;     // the file, or what follows a good beginning (see below)
  std::string message;  // after "fleet.toml:"
};

std::string mistake(const std::string& text) {
  const auto message =
      message_of([&] { parse_fleet(text, {.path = "fleet.toml", .home = "/home/me"}); });
  return replaced(message, "fleet.toml:", "");
}

// Five lines without a mistake; what follows begins on line 6.
const std::string good = "[fleet]\nname = \"f\"\n[groups.g]\nhosts = [\"a\"]\nplugins = []\n";

void check_all(const std::string& before, const std::vector<Case>& cases) {
  for (const auto& [text, message] : cases) {
    INFO(text);
    CHECK(mistake(before + text) == message);
  }
}

}  // namespace

TEST_CASE("mistakes in the file as a whole") {
  check_all(
      "",
      {{"",
        "1:1: the fleet file has no 'fleet'; write [fleet] and, below it, name = "
        "\"edge\""},
       {"[fleet]\n", "1:1: [fleet] has no 'name'; write name = \"edge\""},
       {"[fleet]\nname = \"f\"\n",
        "1:1: the fleet file has no 'groups'; write [groups.edge] and, below it, hosts = "
        "[\"edge-01.example.net\"]"},
       {"[fleet]\nname = \"f\"\n[groups]\n",
        "3:1: found no group; write [groups.edge] and, below it, hosts = "
        "[\"edge-01.example.net\"]"},
       {"[fleat]\n", "1:2: unknown key 'fleat' in the fleet file; did you mean 'fleet'?"},
       {"[hosts]\n",
        "1:2: unknown key 'hosts' in the fleet file; its keys are 'fleet', 'ssh', "
        "'plugins', 'inventory', 'groups', 'rollout', 'probes', 'hooks', 'webhook' and 'metrics'"},
       {"fleet = \"edge\"\n",
        "1:9: found the text \"edge\" for [fleet]; it is a table: a line [fleet], "
        "settings below it"},
       {"[fleet]\nname = \"-x\"\n",
        "2:8: found '-x' as the name of a fleet; it has 1 to 64 letters, digits, '_', "
        "'-' and '.', and begins with a letter or a digit"},
       {"[fleet]\nname = \"\"\n", "2:8: found the text \"\" for 'name'; it must not be empty"},
       {"[fleet]\nname = \"f\"\nstate = \"mysql://x\"\n",
        "3:9: found \"mysql://x\" for 'state'; it is \"sqlite:FILE\" or "
        "\"postgresql://…\""}});
}

TEST_CASE("text that is not TOML") {
  check_all(
      "",
      {{"[fleet]\nname = edge\n",
        "2:8: not TOML: in a value: could not determine value type; text is written in quotes"},
       {"[fleet]\nname: \"edge\"\n",
        "2:5: not TOML: in a key-value pair: expected '=', saw ':'; a setting is written key = "
        "value"},
       {"[fleet]\nname = \"edge\n",
        "2:13: not TOML: in a string: unescaped control characters other than TAB (U+0009) are "
        "explicitly prohibited; text ends on its line: is a closing quote missing?"},
       {"[rollout]\nbake = 60s\n",
        "2:10: not TOML: in a decimal integer: expected digit, saw 's'; anything but a plain "
        "number is written in quotes"},
       {"[fleet]\nname = \"a\"\n[fleet]\n",
        "3:1: not TOML: in a table header: cannot redefine existing table 'fleet'; write it once"},
       {"[fleet\n", "1:7: not TOML: in a table header: expected ']', saw '\\n'"},
       {"x = [\"a\" \"b\"]\n",
        "1:10: not TOML: in an array: expected comma or closing ']', saw '\"'"}});
}

TEST_CASE("mistakes in [ssh]") {
  check_all(
      good,
      {{"[ssh]\nport = 22\n",
        "7:1: unknown key 'port' in [ssh]; its keys are 'user', 'known_hosts', 'connect_timeout', "
        "'max_connections', 'identity' and 'config'"},
       {"[ssh]\nknownhosts = \"x\"\n",
        "7:1: unknown key 'knownhosts' in [ssh]; did you mean 'known_hosts'?"},
       {"[ssh]\nuser = \"-oProxyCommand=x\"\n",
        "7:8: found \"-oProxyCommand=x\" as a user; it has letters, digits, '_', '-' and '.', and "
        "begins with none of the last two"},
       {"[ssh]\nconnect_timeout = 10\n",
        "7:19: found the number 10 for 'connect_timeout'; a duration is a text of numbers with "
        "units: \"500ms\", \"60s\", \"5m\", \"1h30m\""},
       {"[ssh]\nconnect_timeout = \"1d\"\n",
        "7:19: found the text \"1d\" for 'connect_timeout'; it lasts from 100ms to 10m"},
       {"[ssh]\nmax_connections = \"many\"\n",
        "7:19: found the text \"many\" for 'max_connections'; it is a number from 2 to 10000, "
        "without quotes"},
       {"[ssh]\nmax_connections = 1\n",
        "7:19: found the number 1 for 'max_connections'; it is a number from 2 to 10000"},
       {"[ssh]\nidentity = \"~root/key\"\n",
        "7:12: found \"~root/key\" for 'identity'; of '~', only \"~/\" is understood, and only "
        "where HOME is set"},
       {"[ssh]\nidentity = [1]\n",
        "7:13: found the number 1 for 'identity'; it is a text, in quotes"},
       {"[ssh]\nconfig = \"a\\u0000b\"\n",
        "7:10: found a control character in 'config'; line breaks, tabs and the like are not "
        "allowed"}});
}

TEST_CASE("mistakes in [plugins]") {
  check_all(
      good,
      {{"[plugins]\nx = \"plugins/x\"\n",
        "7:5: found the text \"plugins/x\" for [plugins.x]; it is a table: a line [plugins.x], "
        "settings below it"},
       {"[plugins.My_Plugin]\nsource = \"x\"\n",
        "6:10: 'My_Plugin' is not a plugin name; it has 1 to 64 small letters, digits, '-' and "
        "'_', and begins with a letter or a digit"},
       {"[plugins.\"x,y\"]\nsource = \"x\"\n",
        "6:10: 'x,y' is not a plugin name; it has 1 to 64 small letters, digits, '-' and '_', and "
        "begins with a letter or a digit"},
       {"[plugins.x]\n", "6:1: [plugins.x] has no 'source'; write source = \"plugins/x\""},
       {"[plugins.x]\npath = \"x\"\n",
        "7:1: unknown key 'path' in [plugins.x]; its keys are 'source' and 'version'"},
       {"[plugins.x]\nsource = \"x\"\nversion = 1.2\n",
        "8:11: found a number with a fraction for 'version'; it is a text, in quotes"},
       {"[plugins.x]\nsource = \"x\"\nversion = \"1 2\"\n",
        "8:11: found \"1 2\" as a version; it has 1 to 64 letters, digits, '.', '+' and '-', and "
        "begins with a letter or a digit"},
       {"[plugins.x]\nsource = \"x.tar.gz\"\n",
        "7:10: found the source \"x.tar.gz\"; archives are not read; unpack it and name the "
        "directory that holds kong/, or use a bundle (.kfb)"},
       {"[plugins.x]\nsource = \"https://example.net/x.git\"\n",
        "7:10: found the source \"https://example.net/x.git\"; nothing is fetched from the "
        "network: a source is a tree, a bundle (.kfb), or "
        "\"git+file:///srv/plugins.git#v1.2.0\""},
       {"[plugins.x]\nsource = \"git+file:///srv/x.git\"\n",
        "7:10: found the repository \"git+file:///srv/x.git\" without a commit; name a tag, branch "
        "or commit: \"git+file:///srv/plugins.git#v1.2.0\""},
       {"[plugins.x]\nsource = \"git+file://srv/x.git#v1\"\n",
        "7:22: the repository's path is not absolute; there are three slashes in "
        "\"git+file:///srv/plugins.git#v1.2.0\""},
       {"[plugins.x]\nsource = \"git+file:///x#--upload-pack=y\"\n",
        "7:25: found \"--upload-pack=y\" as a commit; it is the name of a tag or branch, or a "
        "hash"},
       {"[plugins.x]\nsource = \"git+file:///x#v1:../y\"\n",
        "7:28: the directory in the repository has a component '..'; write #REF:DIRECTORY"}});
}

TEST_CASE("mistakes in [groups]") {
  const std::string fleet = "[fleet]\nname = \"f\"\n";
  check_all(
      fleet,
      {{"[groups]\nedge = [\"a\"]\n",
        "4:8: found a list for [groups.edge]; it is a table: a line [groups.edge], settings below "
        "it"},
       {"[groups.g]\nhost = [\"a\"]\n",
        "4:1: unknown key 'host' in [groups.g]; did you mean 'hosts'?"},
       {"[groups.g]\nplugins = []\n",
        "3:1: [groups.g] has no 'hosts'; write hosts = [\"edge-[01-20].example.net\"]"},
       {"[groups.g]\nhosts = \"a\"\n",
        "4:9: found the text \"a\" for 'hosts'; it is a list of texts: hosts = "
        "[\"edge-[01-20].example.net\"]"},
       {"[groups.g]\nhosts = []\n",
        "4:9: found no host in [groups.g]; write hosts = [\"edge-[01-20].example.net\"]"},
       {"[groups.g]\nhosts = [\"a\"]\n",
        "4:10: the host 'a' gets no plugins from its groups; write plugins = [\"NAME\"] in "
        "[groups.g], or plugins = [] if it is to run none"},
       {"[groups.g]\nhosts = [\"a\"]\nplugins = [\"x\"]\n",
        "5:12: there is no plugin 'x'; define it in [plugins.x]"},
       {"[plugins.my-plugin]\nsource = \"x\"\n[groups.g]\nhosts = [\"a\"]\nplugins = "
        "[\"my_plugin\"]\n",
        "7:12: there is no plugin 'my_plugin'; did you mean 'my-plugin'?"},
       {"[groups.g]\nhosts = [\"a\"]\nplugins = []\nprobes = [\"echo\"]\n",
        "6:11: there is no probe 'echo'; define it in [probes.echo]"},
       {"[groups.g]\nhosts = [\"root@a\"]\n",
        "4:15: found '@' in a host's name; the user is set once, as user in [ssh]"},
       {"[groups.\"!g\"]\nhosts = [\"a\"]\n",
        "3:9: found '!g' as the name of a group; it has 1 to 64 letters, digits, '_', '-' and "
        "'.', and begins with a letter or a digit"},
       {"[groups.a]\nhosts = [\"a\"]\nplugins = []\n",
        "3:9: the group 'a' has the name of a host; a selector could not tell them apart, so "
        "rename the group"},
       {"[groups.g]\nhosts = [\"a\"]\nplugins = []\nagent = \"-x\"\n",
        "6:9: found \"-x\" as the agent's command; it is plain ASCII and does not begin with '-', "
        "as in \"kongfleet-agent connect\""}});
}

TEST_CASE("mistakes in [rollout]") {
  const std::string amount =
      "it is a count of hosts from 1, without quotes, or a share from \"1%\" to \"100%\"";
  check_all(
      good,
      {{"[rollout]\nmax_unavailble = 1\n",
        "7:1: unknown key 'max_unavailble' in [rollout]; did you mean 'max_unavailable'?"},
       {"[rollout]\nmax_unavailable = 0\n",
        "7:19: found the number 0 for 'max_unavailable'; " + amount},
       {"[rollout]\nmax_unavailable = \"110%\"\n",
        "7:19: found the text \"110%\" for 'max_unavailable'; " + amount},
       {"[rollout]\nwaves = \"10%\"\n",
        "7:9: found the text \"10%\" for 'waves'; it is a list of 1 to 100 counts and shares: "
        "waves = [1, \"10%\", \"50%\", \"100%\"]"},
       {"[rollout]\nwaves = [1, \"5\"]\n", "7:13: found the text \"5\" for 'waves'; " + amount},
       {"[rollout]\nwaves = [1, \"50%\", \"10%\"]\n",
        "7:20: found the wave 10% after 50%; waves are cumulative, so each is larger than the one "
        "before"},
       {"[rollout]\nwaves = [1, 1]\n",
        "7:13: found the wave 1 after 1; waves are cumulative, so each is larger than the one "
        "before"},
       {"[rollout]\nbake = 60\n",
        "7:8: found the number 60 for 'bake'; a duration is a text of numbers with units: "
        "\"500ms\", \"60s\", \"5m\", \"1h30m\""},
       {"[rollout]\nbake = \"60\"\n",
        "7:8: found the text \"60\" for 'bake'; a duration is a text of numbers with units: "
        "\"500ms\", \"60s\", \"5m\", \"1h30m\""},
       {"[rollout]\ndeadline = \"0s\"\n",
        "7:12: found the text \"0s\" for 'deadline'; it lasts from 1s to 1d"},
       {"[rollout]\nconfirm_timeout = \"2s\"\n",
        "7:19: found the text \"2s\" for 'confirm_timeout'; it lasts from 3s to 1d"},
       {"[rollout]\nmax_failures = -1\n",
        "7:16: found the number -1 for 'max_failures'; it is a number from 0 to 100000"},
       {"[rollout]\nmax_failures = \"10%\"\n",
        "7:16: found the share \"10%\" for 'max_failures'; it is a count of hosts over the whole "
        "rollout, without quotes: max_failures = 2"},
       {"[rollout]\nmax_failures = \"ten\"\n",
        "7:16: found the text \"ten\" for 'max_failures'; it is a number from 0 to 100000, without "
        "quotes"},
       {"[rollout]\non_failure = \"rolback\"\n",
        "7:14: found \"rolback\" for 'on_failure'; did you mean 'rollback'?"},
       {"[rollout]\non_failure = \"stop\"\n",
        "7:14: found \"stop\" for 'on_failure'; it is \"rollback\" or \"pause\""}});
}

TEST_CASE("mistakes in [probes]") {
  check_all(
      good,
      {{"[probes.p]\nurl = \"http://a/\"\n",
        "6:1: [probes.p] has no 'type'; write type = \"http\", type = \"tcp\" or type = "
        "\"smoke\""},
       {"[probes.p]\ntype = \"https\"\n", "7:8: found \"https\" as a type; did you mean 'http'?"},
       {"[probes.p]\ntype = \"command\"\ncommand = [\"/bin/x\"]\n",
        "7:8: a fleet file cannot have probes of type \"command\": a controller must not choose "
        "what a host executes; declare it as [[probe]] in the host's agent.toml"},
       {"[probes.p]\ntype = \"tcp\"\nurl = \"http://a/\"\n",
        "8:1: unknown key 'url' in [probes.p]; its keys are 'type', 'address', 'interval', "
        "'timeout' and 'successes'"},
       {"[probes.p]\ntype = \"tcp\"\naddress = \"localhost\"\n",
        "8:11: found \"localhost\" as an address; write HOST:PORT, as in \"127.0.0.1:8000\""},
       {"[probes.p]\ntype = \"tcp\"\naddress = \"a[1-2]:80\"\n",
        "8:12: found a range; a probe asks one address"},
       {"[probes.p]\ntype = \"http\"\n",
        "6:1: [probes.p] has no 'url'; write url = \"http://127.0.0.1:8000/\""},
       {"[probes.p]\ntype = \"http\"\nurl = \"127.0.0.1:8000/x\"\n",
        "8:8: found \"127.0.0.1:8000/x\" as a url; a probe's url is http://HOST[:PORT]/PATH"},
       {"[probes.p]\ntype = \"http\"\nurl = \"https://a/x\"\n",
        "8:8: found https; the agent asks its own Kong without TLS, on a plain listener; a probe's "
        "url is http://HOST[:PORT]/PATH"},
       {"[probes.p]\ntype = \"http\"\nurl = \"http://a/b c\"\n",
        "8:18: found ' ' in a url; a probe's url is http://HOST[:PORT]/PATH"},
       {"[probes.p]\ntype = \"http\"\nurl = \"http://u@a/\"\n",
        "8:16: found a user in a url; a probe's url is http://HOST[:PORT]/PATH"},
       {"[probes.p]\ntype = \"http\"\nurl = \"http://a:99999/\"\n",
        "8:17: found '99999' as a port; a port is a number from 1 to 65535"},
       {"[probes.p]\ntype = \"http\"\nurl = \"http://a/\"\nstatus = 20\n",
        "9:10: found the number 20 for 'status'; it is a number from 100 to 599"},
       {"[probes.p]\ntype = \"http\"\nurl = \"http://a/\"\nheader = \"X-A: b\"\n",
        "9:10: found the text \"X-A: b\" for 'header'; write header = { X-MyPlugin = "
        "\"http://.*\" }"},
       {"[probes.p]\ntype = \"http\"\nurl = \"http://a/\"\nheader = { \"X A\" = \"b\" }\n",
        "9:12: 'X A' is not a header's name; it has letters, digits and '-'"},
       {"[probes.p]\ntype = \"http\"\nurl = \"http://a/\"\nsuccesses = 0\n",
        "9:13: found the number 0 for 'successes'; it is a number from 1 to 1000"}});
  const auto regex = mistake(good +
                             "[probes.p]\ntype = \"http\"\nurl = \"http://a/\"\n"
                             "header = { X-A = \"(\" }\n");
  CHECK(regex.starts_with("9:18: \"(\" is not a regular expression: "));
  CHECK(regex.ends_with("; it is one of ECMAScript, as in \"http://.*\""));
}

}  // namespace kongfleet::controller
