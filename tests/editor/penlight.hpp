// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// What a reader makes of a file: key → kind ('t', 'n', 'T') and value, and the items of `plugins`.
/// nullopt: it fails on the file.
struct Reading {
  std::map<std::string, std::string> values;
  std::vector<std::string> plugins;
  bool operator==(const Reading&) const = default;
};

/// What Kong makes of a text, by dialect: [0] before 3.2, [1] from 3.2 on.
struct Answer {
  std::optional<Reading> readings[2];
};

/// One LuaJIT process that runs penlight.lua, for as long as this object lives. Throws Error when
/// it cannot be started or stops answering.
class Penlight {
public:
  explicit Penlight(const std::string& script);
  Penlight(const Penlight&) = delete;
  Penlight& operator=(const Penlight&) = delete;
  ~Penlight();

  /// Has Kong's parser read these texts.
  std::vector<Answer> read(const std::vector<std::string>& texts);

private:
  std::string read_block();

  pid_t process_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

}  // namespace kongfleet::agent
