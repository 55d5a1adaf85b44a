// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace kongfleet::agent {

/// A conversation's place among those of its rollout.
struct Turn {
  std::string rollout;  // empty: it is of none, and its orders are never late
  std::uint64_t number = 0;
};

/// Which conversation of a rollout gives the orders: the one that began last. A controller that
/// takes a rollout up asks what became of it here, and goes by the answer. What its predecessor
/// sent, or the link before this one, may come after that: TCP keeps at it for many minutes, also
/// for a process that is dead (RFC 1122 4.2.3.5, Linux tcp_retries2). It must not make that answer
/// untrue. In memory only: with the agent end its conversations. Thread-safe.
class Turns {
public:
  /// A conversation of that rollout begins.
  Turn take(const std::string& rollout);
  /// It has ended: nothing more comes in it. Of a rollout without conversations nothing is kept.
  void give_back(const Turn& turn);
  /// Whether a later one has begun.
  bool is_over(const Turn& turn) const;

private:
  mutable std::mutex mutex_;
  std::uint64_t taken_ = 0;
  struct Rollout {
    std::uint64_t latest = 0;
    std::size_t conversations = 0;
  };
  std::map<std::string, Rollout> rollouts_;
};

}  // namespace kongfleet::agent
