// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/digest.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// Generations that failed on this host, and why: Kong could not load them, or they were taken back
/// because of what they did. `sync` never tries one again; a person may. Kept in one file; what
/// can't be kept is warned of, and costs a retry.
class Poison {
public:
  explicit Poison(std::filesystem::path file) : file_(std::move(file)) {}
  void add(const Digest& generation, const std::string& cause) const noexcept;
  /// It was confirmed after all.
  void forgive(const Digest& generation) const noexcept;
  /// Why the generation failed here; nothing where it didn't.
  std::optional<std::string> cause(const Digest& generation) const noexcept;

private:
  struct Entry {
    std::string digest;
    std::string cause;
  };
  std::vector<Entry> read() const;
  void write(const std::vector<Entry>& entries) const;
  std::filesystem::path file_;
};

}  // namespace kongfleet::agent
