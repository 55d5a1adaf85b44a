// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// [hooks]: programs that the controller runs; each is an argv, empty where there is none.
struct FleetHooks {
  std::vector<std::string> before_wave;
  std::vector<std::string> before_host;
  std::vector<std::string> after_host;
  std::vector<std::string> after_rollout;
  std::filesystem::path directory;  // where they run
  std::chrono::milliseconds timeout{60'000};
};

/// [webhook]: where the events of a rollout are posted to.
struct FleetWebhook {
  std::string url;                    // empty: nowhere
  std::filesystem::path secret_file;  // signs what is posted; empty: unsigned
  std::chrono::milliseconds timeout{5'000};
};

}  // namespace kongfleet::controller
