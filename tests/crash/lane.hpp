// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace kongfleet::crash {

/// Where a lane's jobs put their hosts: the same path in every lane, and a file system in memory of
/// its own in each.
std::filesystem::path lane_directory();

/// Does one job; an empty string, or what is to be told of it. What it throws is told too.
using Job = std::function<std::string(std::size_t)>;

struct Lanes {
  std::size_t jobs;      // numbered from 0
  unsigned lanes;        // how many are done at once
  unsigned limit = 120;  // seconds for one job: a lane that takes longer is killed, and it is told
};

/// Does jobs in lanes: processes each with mounts, /proc and pids of its own, without a systemd in
/// sight. When a lane ends, all that was started in it ends, and its files are gone. `prepare` runs
/// once in each lane and gives what does its jobs. What each job told, in order.
std::vector<std::string> in_lanes(const Lanes& lanes, const std::function<Job()>& prepare);

}  // namespace kongfleet::crash
