// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/effective_configuration.hpp"
#include "tests/agent/agent_fixture.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent::test {

/// The files that decide a Kong's configuration, in a directory of the test's own, owned by a unit
/// whose commands are those of Kong's packages.
class ConfigurationFixture {
public:
  ConfigurationFixture();
  void write(const std::string& name, const std::string& text) const;
  std::string at(const std::string& name) const { return (directory_.path() / name).string(); }
  void kong_conf(const std::string& text);
  void kong_env(const std::string& text);
  /// Writes a file of the unit, or one more drop-in.
  void unit_file(const std::string& name, const std::string& text);
  void by_hand() { owned_ = false; }

  /// "VALUE by SOURCE:FILE:LINE".
  std::string plugins() const { return told("plugins"); }
  std::string path() const { return told("lua_package_path"); }
  /// Each obstacle as "FILE:LINE: TEXT (ADVICE)", files of this directory by their names alone.
  std::vector<std::string> obstacles() const;
  /// "KIND NAME", and what is missing in it; or the refusal as above.
  std::string managed() const;

  KongUnit unit;
  std::string manager;  // what systemctl show-environment says
  ConfigurationScene scene;

private:
  ConfigurationScene look(KongUnit& read) const;
  std::string told(const std::string& key) const;
  std::string plain(std::string text) const;
  std::string line_of(const Finding& finding) const;
  TempDir directory_;
  std::optional<KongConf> conf_;
  std::optional<KongConf> env_;
  bool owned_ = true;
};

}  // namespace kongfleet::agent::test
