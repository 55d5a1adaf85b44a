// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/config.hpp"
#include "agent/gateway.hpp"
#include "agent/http_client.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent::test {

/// A Kong of a test's own, DB-less, two workers, started by hand in a fresh directory on free
/// ports; the stand-in, or the one whose command KONGFLEET_TEST_KONG names. Stopped, and its
/// directory removed, with this object. Generations are kept as `gen(NAME)`, each with the one
/// plugin `my-plugin`, that sets X-MyPlugin to its VERSION.
class TestKong {
public:
  /// `version` is the stand-in's; a real Kong has its own. In `settings`, lines of kong.conf, `@`
  /// is the test's directory, which has a cluster.crt and cluster.key where one of them names it.
  explicit TestKong(const std::string& version, const std::vector<std::string>& settings = {});
  ~TestKong();
  TestKong(const TestKong&) = delete;
  TestKong& operator=(const TestKong&) = delete;

  /// The versions there are to test with.
  static std::vector<std::string> versions();

  std::filesystem::path directory() const { return directory_; }
  std::filesystem::path gen(const std::string& name) const { return directory_ / "gen" / name; }
  /// Writes a generation whose handler is `handler`, else one that works.
  void make(const std::string& name, const std::string& version, std::string handler = "");
  void write(const std::filesystem::path& file, const std::string& text) const;
  /// Makes kong.conf name a generation, with these plugins.
  void configure(const std::string& generation, const std::string& plugins = "bundled,my-plugin");
  std::string path_value(const std::string& generation) const;
  void start();
  /// Gives the running Kong, which has no declarative_config, what is in kong.yml.
  void post_config() const;
  /// Runs Kong's command; its exit code.
  int command(const std::vector<std::string>& arguments) const;

  Config config() const;
  std::string proxy() const { return "127.0.0.1:" + std::to_string(ports_[0]); }
  /// GET of the plugin's route: "200 1.0.0", status and X-MyPlugin.
  std::string answer() const;
  /// Kills the master and its workers, as they stand.
  void kill_all(const GatewayFacts& facts) const;
  /// Kills every worker and waits until the master has replaced them all.
  void kill_workers(const GatewayFacts& facts) const;

private:
  void make_certificate() const;
  std::filesystem::path directory_;
  std::filesystem::path binary_;
  std::vector<std::string> settings_;
  std::vector<std::uint16_t> ports_;
};

/// Makes a test case run once with each version there is.
inline std::string any_version() { return GENERATE(from_range(TestKong::versions())); }

}  // namespace kongfleet::agent::test
