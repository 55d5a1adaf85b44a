// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace kongfleet {

enum class ProbeType { Http, Tcp, Command, Smoke };

/// One health check, as a fleet file or an agent.toml declares it. It is good once it succeeded
/// `successes` times in a row, `interval` apart, each try within `timeout`.
struct ProbeSpec {
  std::string name;
  ProbeType type = ProbeType::Http;
  std::string url;                                          // Http: http://HOST[:PORT]/PATH
  unsigned status = 200;                                    // Http, Smoke: the status code wanted
  std::vector<std::pair<std::string, std::string>> header;  // likewise: name, regular expression
  std::string body;                                         // likewise: regular expression, or none
  std::string address;                                      // Tcp: HOST:PORT
  std::vector<std::string> command;  // Command: argv; only from the host's own agent.toml
  std::string plugin;      // Smoke: which one; in a fleet file none stands for a host's only one
  std::string config;      // Smoke: the plugin's configuration, a JSON object, or none
  bool introduce = false;  // Smoke: also a plugin that was not in use before (agent/smoke.hpp)
  std::chrono::milliseconds interval{500};
  std::chrono::milliseconds timeout{2000};
  unsigned successes = 3;
  bool own = false;  // of the host's own agent.toml: what came may be quoted on the host
};

}  // namespace kongfleet
