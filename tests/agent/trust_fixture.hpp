// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/child_process.hpp"
#include "agent/durable_file.hpp"
#include "agent/trust.hpp"

#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// Keys of people who may sign, of one who may not, and an agent that wants signatures.
class Signers {
public:
  Signers() {
    config.state = directory.path() / "state";
    std::filesystem::create_directory(config.state);
    config.signatures = "required";
    config.allowed_signers = directory.path() / "allowed_signers";
    config.fleet = "edge";
    make_key("ci");
    make_key("stranger");
    allow("ci");
  }
  void make_key(const std::string& name) const {
    run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path(name)});
  }
  void allow(const std::string& name) const {
    replace_file(config.allowed_signers, name + "@example.net " + read_file(path(name) + ".pub"),
                 0644);
  }
  std::string path(const std::string& name) const { return (directory.path() / name).string(); }
  void run(std::vector<std::string> argv) const {
    ChildRequest spec;
    argv[0] = "/usr/bin/" + argv[0];
    spec.argv = std::move(argv);
    spec.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto result = run_child(spec);
    INFO(result.output);
    REQUIRE(result.exit_code == 0);
  }
  std::string sign(const Manifest& manifest, const std::string& key) const {
    replace_file(path("text"), manifest.text(), 0600);
    std::filesystem::remove(path("text.sig"));
    run({"ssh-keygen", "-q", "-Y", "sign", "-n", "kongfleet-release-v1", "-f", path(key),
         path("text")});
    return read_file(path("text.sig"));
  }

  TempDir directory;
  Config config;
};

}  // namespace kongfleet::agent
