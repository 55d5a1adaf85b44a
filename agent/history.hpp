// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/outcome.hpp"

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// history.jsonl: every transaction that ended, one JSON object a line, oldest first.
class History {
public:
  explicit History(std::filesystem::path path) : path_(std::move(path)) {}
  /// Adds a line. Never throws: a full disk must not turn a good deploy into a bad one; the log
  /// says so instead.
  void add(const Outcome& outcome, const std::string& holder, std::uint64_t from,
           std::uint64_t to) const noexcept;
  /// The last `limit` lines, oldest first; none where there is no file. Throws Error.
  std::vector<std::string> last(std::size_t limit) const;

private:
  bool torn() const;
  std::filesystem::path path_;
  mutable std::atomic<bool> lasts_ = false;  // the file's name: it was synced since we started
};

std::string_view result_name(Result result);

}  // namespace kongfleet::agent
