// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/fleet_file.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

#include <fstream>

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

const std::string good =
    "[fleet]\nname = \"edge\"\n[ssh]\nuser = \"kongfleet\"\n[plugins.greet]\nsource = \"greet\"\n"
    "[groups.all]\nhosts = [\"edge-01\"]\nplugins = [\"greet\"]\nprobes = [\"echo\"]\n"
    "[probes.echo]\ntype = \"http\"\nurl = \"http://127.0.0.1/\"\n";

LocalCase of_text(const std::string& name, const std::string& threat, const std::string& text,
                  const std::string& wanted) {
  return {"fleet.toml: " + name, threat, wanted, [text](const fs::path&) {
            controller::parse_fleet(text, {.path = "fleet.toml", .home = "/root"});
            return "accepted"s;
          }};
}

LocalCase instead(const std::string& name, const std::string& threat, const std::string& what,
                  const std::string& by, const std::string& wanted) {
  return of_text(name, threat, replaced(good, what, by), wanted);
}

LocalCases hosts() {
  LocalCases cases;
  // As TOML has them between its double quotes.
  const std::vector<std::pair<std::string, std::string>> names = {
      {"an option that executes", "-oProxyCommand=id"},
      {"an option", "-l"},
      {"a lone dash", "-"},
      {"two dashes", "--"},
      {"two commands", "a;id"},
      {"a command in dollars", "$(id)"},
      {"a command in backticks", "`id`"},
      {"a variable", "${IFS}id"},
      {"a pipe", "a|id"},
      {"an ampersand", "a&id"},
      {"a redirection", "a>/etc/passwd"},
      {"a blank", "a -oProxyCommand=id"},
      {"a quote", "a'b"},
      {"a double quote", "a\\\"b"},
      {"a backslash", "a\\\\b"},
      {"a user", "root@edge-01"},
      {"a token of ssh", "%h"},
      {"a slash", "a/b"},
      {"a URL", "ssh://edge-01"},
      {"a line end", "a\\nb"},
      {"a tab", "a\\tb"},
      {"a NUL", "a\\u0000b"},
      {"an escape sequence", "\\u001B[31m"},
      {"a bidirectional override", "a\\u202Eb"},
      {"a Cyrillic letter", "\\u0430edge"},
      {"a wildcard", "edge-*"},
      {"an exclamation mark", "!edge"},
      {"a comma", "a,b"},
      {"nothing", ""},
      {"254 bytes", std::string(254, 'a')},
      {"an open bracket", "[::1"},
      {"an address that is none", "[::zz]"},
      {"port 0", "edge:0"},
      {"port 65536", "edge:65536"},
      {"port -1", "edge:-1"},
      {"a port of twenty digits", "edge:99999999999999999999"},
  };
  for (const auto& [name, host] : names)
    cases.push_back(
        instead("a host with " + name, "T2", "\"edge-01\"", "\"" + host + "\"", "fleet.toml:8:"));
  cases.push_back(
      instead("ten thousand million hosts", "T13", "edge-01", "n-[0-9999999999]", "fleet.toml:8:"));
  cases.push_back(instead("hosts by multiplication", "T13", "edge-01",
                          "[a-z][a-z][a-z][a-z][a-z][a-z]", "fleet.toml:8:"));
  cases.push_back(instead("hosts that count down", "T14", "edge-01", "n-[9-1]", "fleet.toml:8:"));
  return cases;
}

LocalCases names() {
  LocalCases cases;
  for (const std::string user :
       {"-l", "a b", "a;id", "$(id)", "a@b", "a\\nb", "\\u001B[31m", "", "a/b", "a\\u0000b"}) {
    cases.push_back(instead("a user '" + user + "'", "T2", "\"kongfleet\"", "\"" + user + "\"",
                            "fleet.toml:4:"));
  }
  for (const std::string plugin : {"Greet", "a,b", "a#b", "a;b", "[a]", "{vault://env/x}", "a b",
                                   "-a", "../a", "a\\nb", "'a'", "%n", "a\\\\b"}) {
    cases.push_back(instead("a plugin '" + plugin + "'", "T16", "[plugins.greet]",
                            "[plugins.\"" + plugin + "\"]", "fleet.toml:5:"));
  }
  return cases;
}

LocalCases values() {
  const auto probe = [](const std::string& name, const std::string& threat,
                        const std::string& url) {
    return instead("a probe at '" + name + "'", threat, "\"http://127.0.0.1/\"", url,
                   "fleet.toml:13:");
  };
  return {
      probe("file:///etc/passwd", "T16", "\"file:///etc/passwd\""),
      probe("a URL with a header in it", "T16", R"("http://127.0.0.1/ HTTP/1.1\r\nX: y")"),
      probe("no text", "T14", "5"),
      instead("a command for a probe", "T3", "type = \"http\"", "type = \"command\"",
              "fleet.toml:12:"),
      instead("a pattern that is none", "T14", "type = \"http\"",
              "type = \"http\"\nheader = { X = \"(\" }", "is not a regular expression"),
      instead("a version with a shell in it", "T16", "source = \"greet\"",
              "source = \"greet\"\nversion = \"$(id)\"", "fleet.toml:7:"),
      instead("a source that is an option", "T2", "source = \"greet\"",
              "source = \"git+file:///p.git#--upload-pack=id\"", "fleet.toml:6:"),
      instead("a source that is a program", "T2", "source = \"greet\"",
              "source = \"git+ext::sh -c id\"", "fleet.toml:6:"),
      instead("four billion connections", "T14",
              "user =", "max_connections = 4294967296\nuser =", "fleet.toml:4:"),
      instead("a negative time", "T14",
              "user =", "connect_timeout = \"-1s\"\nuser =", "fleet.toml:4:"),
      instead("a time that overflows", "T14",
              "user =", "connect_timeout = \"99999999999999999999h\"\nuser =", "fleet.toml:4:"),
  };
}

LocalCases forms() {
  const auto nested = "x = " + times(5000, "[");
  const auto dotted = "[\n{a" + times(190, ".a") + " = ";
  return {
      of_text("a key nobody knows", "T16", good + "proxy_command = \"id\"\n", "fleet.toml:14:1"),
      of_text("a key twice", "T16", replaced(good, "user", "user = \"x\"\nuser"), "fleet.toml:5:"),
      of_text("a table twice", "T16", good + "[fleet]\n", "fleet.toml:14:"),
      of_text("five thousand brackets", "T13", nested, "fleet.toml:1:"),
      of_text("a dotted key of 100,000 parts", "T13", "a" + times(100'000, ".a") + " = 1\n",
              "fleet.toml:1:"),
      of_text("dotted keys in a thousand lines", "T13", "a = " + times(1000, dotted),
              "fleet.toml:"),
      of_text("dotted keys of 190 parts in a hundred lines", "T13",
              "a = " + times(100, dotted) + "1" + times(100, "}]"),
              "found too many tables within each other"),
      of_text("bytes that are no UTF-8", "T11", good + "# \xff\n", "fleet.toml:14:"),
      of_text("a NUL", "T11", good + "\0\n"s, "fleet.toml:14:"),
      of_text("an escape sequence in a comment", "T17", good + "# \x1b[2J\n", "fleet.toml:14:"),
      of_text("a text that never ends", "T14", "[fleet]\nname = \"edge", "fleet.toml:2:"),
      of_text("groups in a circle", "T14",
              good + "[groups.a]\ngroups = [\"b\"]\n[groups.b]\ngroups = [\"a\"]\n",
              "fleet.toml:1"),
      of_text("a table called by a colon", "T14", good + "[:x]\n",
              "fleet.toml:1:1: found what is no TOML"),
      of_text("no text at all", "T14", "", "fleet.toml:1:1"),
      {"fleet.toml: of five megabytes", "T13", "fleet.toml",
       [](const fs::path& directory) {
         controller::load_fleet(directory / "fleet.toml");
         return "accepted"s;
       },
       [](const fs::path& directory) {
         std::ofstream(directory / "fleet.toml") << good << std::string(5U << 20U, '#');
       }},
      {"fleet.toml: without an end", "T8", "fleet.toml",
       [](const fs::path& directory) {
         controller::load_fleet(directory / "fleet.toml");
         return "accepted"s;
       },
       [](const fs::path& directory) {
         fs::create_symlink("/dev/zero", directory / "fleet.toml");
       }},
  };
}

}  // namespace

LocalCases fleet_cases() {
  LocalCases cases;
  for (auto* part : {hosts, names, values, forms}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
