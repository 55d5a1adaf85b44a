// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace kongfleet {

enum class ProbeType { Http, Tcp, Command };

/// One health check, as a fleet file or an agent.toml declares it. It is good once it succeeded
/// `successes` times in a row, `interval` apart, each try within `timeout`.
struct ProbeSpec {
  std::string name;
  ProbeType type = ProbeType::Http;
  std::string url;                                          // Http: http://HOST[:PORT]/PATH
  unsigned status = 200;                                    // Http: the status code wanted
  std::vector<std::pair<std::string, std::string>> header;  // Http: header name, regular expression
  std::string body;                                         // Http: regular expression, or empty
  std::string address;                                      // Tcp: HOST:PORT
  std::vector<std::string> command;  // Command: argv; only from the host's own agent.toml
  std::chrono::milliseconds interval{500};
  std::chrono::milliseconds timeout{2000};
  unsigned successes = 3;
};

}  // namespace kongfleet
