// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/config.hpp"
#include "agent/journal.hpp"
#include "agent/kong_conf_edit.hpp"
#include "controller/known_hosts.hpp"
#include "controller/ssh_config.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

#include <fstream>

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

constexpr const char* null_key =
    "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What a host whose kong.conf says `text` answers when our plugin is to come in.
LocalCase of_conf(const std::string& name, const std::string& threat, const std::string& text,
                  const std::string& wanted) {
  return {"kong.conf: " + name, threat, wanted, [text](const fs::path&) {
            const agent::Change change{.generations_root = "/var/lib/kongfleet/generations",
                                       .generation_dir = "/var/lib/kongfleet/generations/000001-aa",
                                       .remove_plugins = {},
                                       .add_plugins = {"greet"}};
            const auto result = agent::edit(text, agent::ConfDialect::From32, change);
            const auto* problem = std::get_if<agent::ConfProblem>(&result);
            return problem != nullptr ? problem->reason : "accepted"s;
          }};
}

LocalCase of_change(const std::string& name, const agent::Change& change) {
  return {"change: " + name, "T16", "kongfleet", [change](const fs::path&) {
            const auto problem = agent::check_change(change);
            return problem ? "kongfleet: " + problem->reason : "accepted"s;
          }};
}

LocalCases kong_confs() {
  LocalCases cases = {
      of_conf("a section", "T16", "[kong]\nplugins = bundled\n", "section"),
      of_conf("a byte order mark", "T16", "\xef\xbb\xbfplugins = bundled\n", "byte order mark"),
      of_conf("a NUL", "T16", "plugins = bundled\0\n"s, "NUL"),
      of_conf("line ends of a Macintosh", "T16", "plugins = bundled\rlog_level = x\r", "CR alone"),
      of_conf("lines joined to ours", "T16", "plugins = a \\\n, b\n", "'\\'"),
      of_conf("a quote", "T16", "plugins = \"bundled\"\n", "quot"),
      of_conf("a vault's reference", "T16", "plugins = {vault://env/plugins}\n", "vault"),
      of_conf("two megabytes", "T13", std::string(2U << 20U, '#') + "\n", "1"),
      of_conf("a path that is too long for nginx", "T13",
              "lua_package_path = " + std::string(3600, 'a') + "\n", "3500"),
      of_conf("a word that makes a table of a list", "T16", "plugins = _blank_\n", "_blank_"),
  };
  const std::string root = "/var/lib/kongfleet/generations";
  for (const std::string plugin : {"a,b", "a\nb", "a#b", "bundled", "off", "A", "", "{vault://x}"})
    cases.push_back(of_change("the plugin '" + plugin + "'", {.generations_root = root,
                                                              .generation_dir = root + "/000001-aa",
                                                              .remove_plugins = {},
                                                              .add_plugins = {plugin}}));
  for (const std::string path : {"/a;b", "/a\nb", "/a/../b", "relative", "/a//b", "/a#b", "/a?b"})
    cases.push_back(of_change("the directory '" + path + "'", {.generations_root = root,
                                                               .generation_dir = path,
                                                               .remove_plugins = {},
                                                               .add_plugins = {"greet"}}));
  return cases;
}

LocalCase of_journal(const std::string& name, const std::string& wanted, const std::string& bytes) {
  return {"journal: " + name, "T29", wanted,
          [](const fs::path& directory) {
            const agent::Journal journal(directory / "journal");
            return "accepted"s;
          },
          [bytes](const fs::path& directory) {
            std::ofstream(directory / "journal", std::ios::binary) << bytes;
          }};
}

LocalCase of_config(const std::string& name, const std::string& threat, const std::string& text,
                    const std::string& wanted) {
  return {"agent.toml: " + name, threat, wanted,
          [](const fs::path& directory) {
            agent::load_config(directory / "agent.toml");
            return "accepted"s;
          },
          [text](const fs::path& directory) {
            std::ofstream(directory / "agent.toml", std::ios::binary) << text;
          }};
}

LocalCases agents() {
  const std::string damaged = "is damaged; nothing was touched";
  const std::string slot(8192, '\0');
  return {
      of_journal("of a newer version", "was written by another version",
                 "kongfleet-journal 2 1 1 x\n" + slot.substr(26) + slot),
      of_journal("of zeros", damaged, slot + slot),
      of_journal("that is cut", damaged, slot.substr(1)),
      of_journal("of noise", damaged, std::string(2 * 8192, '\xff')),
      of_journal("with a length beyond its end", damaged,
                 "kongfleet-journal 1 1 99999999999999999999 x\n" + slot + slot),
      of_config("a key nobody knows", "T16", "[kong]\nconfig = \"/x\"\n", "agent.toml:2:1: "),
      of_config("a relative path", "T9", "[agent]\nstate = \"../x\"\n", "agent.toml:2:9: "),
      of_config("a NUL in a path", "T16", "[kong]\nconf = \"/a\\u0000b\"\n", "agent.toml:2:8: "),
      of_config("a reserve that overflows", "T14", "[agent]\nreserve = \"99999999999999GiB\"\n",
                "agent.toml:2:11: "),
      of_config("no generations kept", "T14", "[agent]\nkeep = 0\n", "agent.toml:2:8: "),
      of_config("trust by a word it does not know", "T4", "[trust]\nsignatures = \"maybe\"\n",
                "agent.toml:2:14: "),
      of_config("a table called by a slash", "T14", "[/x]\n",
                "agent.toml:1:1: found what is no TOML"),
      of_config("a dotted key of 500,000 parts", "T13", "a" + times(500'000, ".a") + " = 1\n",
                "agent.toml:1:402: found too many tables within each other"),
      of_config("five thousand brackets", "T13", "x = " + std::string(5000, '['), "agent.toml:1:"),
  };
}

LocalCase of_key(const std::string& name, const std::string& threat, const std::string& text,
                 const std::string& wanted) {
  return {"known_hosts: " + name, threat, wanted, [text](const fs::path&) {
            controller::KnownHosts known;
            known.add(text, "known_hosts");
            const auto key = controller::HostKey::parse("ssh-ed25519", null_key);
            std::string said;
            for (const auto& problem : known.problems()) said += problem.why + "; ";
            return said + known.refusal(known.find("edge-01", 22), *key).value_or("accepted");
          }};
}

LocalCase of_ssh(const std::string& name, const std::string& threat, const std::string& text,
                 const std::string& wanted) {
  return {"ssh_config: " + name, threat, wanted, [text](const fs::path&) {
            controller::SshConfig config;
            config.add(text, "config", "/root/.ssh",
                       {.read = [&](const std::string&) { return std::optional(text); },
                        .match = [](const std::string& p) { return std::vector<std::string>{p}; }});
            std::string said;
            for (const auto& note : config.notes()) said += note + "; ";
            return said + "accepted";
          }};
}

LocalCases ssh() {
  const auto line = [](const std::string& names) {
    return names + " ssh-ed25519 " + null_key + "\n";
  };
  const std::string other =
      "edge-01 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n";
  return {
      of_key("no line for the host", "T1", line("edge-02"), "SHA256:"),
      of_key("another key for the host", "T1", other, "SHA256:"),
      of_key("a revoked key", "T1", line("edge-01") + line("@revoked *"), "revoked"),
      of_key("the host taken out of a pattern", "T1", line("edge-*,!edge-01"), "SHA256:"),
      of_key("a key that is none", "T1", "edge-01 ssh-ed25519 AAAA\n",
             "the key is not a base64 key of type 'ssh-ed25519'"),
      of_key("a key of another type than it says", "T1", "edge-01 ssh-rsa "s + null_key + "\n",
             "the key is not a base64 key of type 'ssh-rsa'"),
      of_key("a marker nobody knows", "T1", line("@trusted edge-01"), "unknown marker '@trusted'"),
      of_key("escapes for a marker", "T17", line("@\x1b[2J edge-01"), "marker '@\\x1b[2J'"),
      of_key("a megabyte of stars", "T8", line(std::string(1U << 20U, '*') + "x"), "SHA256:"),
      of_ssh("a file that includes itself", "T8", "Include config\n", "config:1"),
      of_ssh("a port that is none", "T2", "Port 99999\n", "config:1"),
      of_ssh("a program to run", "T2", "Match exec \"id\"\nUser x\n", "exec"),
  };
}

}  // namespace

LocalCases setting_cases() {
  LocalCases cases;
  for (auto* part : {kong_confs, agents, ssh}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
