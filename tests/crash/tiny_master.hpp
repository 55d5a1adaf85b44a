// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace kongfleet::crash {

/// What a master's process title begins with, and how `kong start` gives it: as its argv[0].
constexpr const char* master_title = "nginx: master process";

/// Where the title of a process lies: the memory of its arguments, which nginx writes over.
struct Title {
  char* begin;
  std::size_t size;
};

/// Runs as the nginx master of a prefix until TERM or QUIT. `ready`: a descriptor that gets a byte
/// once the workers run.
int run_master(const std::filesystem::path& prefix, Title title, int ready);

}  // namespace kongfleet::crash
