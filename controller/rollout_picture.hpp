// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/rollout.hpp"
#include "controller/terminal.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// What is known of a run before it begins.
struct RunShape {
  std::string id;
  std::vector<std::string> hosts;      // labels, in the order they go
  std::vector<HostPhase> phases;       // of hosts that were dealt with before; empty: none was
  std::vector<std::size_t> wave_ends;  // cumulative; one end: there are no waves
  std::chrono::milliseconds bake{0};
  std::size_t slots = 1;         // hosts that change at once at most
  std::size_t max_failures = 0;  // the run stops when this is exceeded
  std::string kind = "rollout";  // or "rollback"
};
/// `hosts`: their labels, in the order they go. Without rules they go all at once.
RunShape run_shape(std::string id, std::string kind, std::vector<std::string> hosts,
                   const std::optional<RolloutRules>& rules);

/// A rollout as a person watches it: fed with what happens, painted as often as one likes. As
/// readable with 3 hosts, which all have a row then, as with 3,000: waves, a bar, counts, who fails
/// and why, who takes longest, what ended last, and how long it will take. Pure: the time comes
/// from outside.
class RolloutPicture {
public:
  using Time = std::chrono::steady_clock::time_point;

  RolloutPicture(RunShape shape, Time now);
  void wave(std::size_t number);
  void baking(Time now);
  void step(const std::string& host, const std::string& text, Time now);
  /// `text`: what became of it, in a sentence; its cause first.
  void phase(const std::string& host, HostPhase phase, const std::string& text, Time now);
  void stopping(const std::string& why);
  void over(Time now);

  /// Rows for a window, never more nor wider than it, less one row for the cursor.
  std::vector<std::string> paint(const Window& window, Time now) const;

private:
  struct Host {
    std::string label;
    HostPhase phase = HostPhase::Waiting;
    std::string text;    // what it does, or what became of it
    Time began{};        // when its change began
    Time since{};        // when it came to its phase
    bool moved = false;  // it was changed at all
  };
  using Rows = std::vector<std::string>;
  Row title(const Window& window, Time now) const;
  Row bar(const Window& window) const;
  Row counts(const Window& window) const;
  Row situation(const Window& window, Time now) const;
  Row host_row(const Window& window, const Host& host, Time now) const;
  void all_hosts(Rows& rows, const Window& window, Time now) const;
  void some_hosts(Rows& rows, std::size_t room, const Window& window, Time now) const;
  std::optional<std::chrono::seconds> left(Time now) const;
  std::size_t count(std::initializer_list<HostPhase> phases) const;
  std::size_t label_width() const;

  RunShape shape_;
  std::vector<Host> hosts_;
  std::map<std::string, std::size_t> number_;  // by label
  Time began_;
  std::optional<Time> ended_;
  std::size_t wave_ = 0;
  std::optional<Time> bake_began_;
  std::string why_;                     // it stops
  std::chrono::milliseconds spent_{0};  // by the hosts that came through, in all
  std::size_t through_ = 0;
};

/// "0:07", "12:03", "1:02:03".
std::string clock_text(std::chrono::steady_clock::duration time);

}  // namespace kongfleet::controller
