// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_replay.hpp"

#include "controller/answer.hpp"
#include "controller/history_view.hpp"
#include "controller/moment.hpp"
#include "controller/rollout_plan.hpp"
#include "proto/names.hpp"

#include <charconv>

namespace kongfleet::controller {

namespace {

using Time = RolloutPicture::Time;

// The picture only compares times: the wall clock's do as well, and are those that are remembered.
Time at(std::int64_t ms) { return Time(std::chrono::milliseconds(ms)); }

RunShape shape_of(const RememberedRollout& rollout) {
  std::vector<std::string> labels;
  for (const auto& host : rollout.hosts) labels.push_back(host.label);
  std::optional<RolloutRules> rules;
  if (!rollout.plan.empty()) rules = read_plan(rollout.plan).rules;
  return run_shape(rollout.id, rollout.kind, std::move(labels), rules);
}

// "2/3: 4 hosts", as RolloutRecord writes it.
std::size_t wave_in(const std::string& text) {
  std::size_t number = 1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number - 1;
}

class Player {
public:
  explicit Player(const RememberedRollout& rollout)
      : picture_(shape_of(rollout), at(rollout.started_ms)) {
    for (const auto& host : rollout.hosts) causes_[host.label] = printable(host.cause);
  }

  void play(const RememberedEvent& event) {
    const auto when = at(event.at_ms);
    if (event.kind == "wave") picture_.wave(wave_in(event.text));
    if (event.kind == "baking") picture_.baking(when);
    if (event.kind == "stopping") picture_.stopping(printable(event.text));
    if (event.kind == "resume") picture_.stopping("");
    if (event.kind == "step") picture_.step(event.host, printable(event.text), when);
    if (event.kind != "host") return;
    const auto phase = phase_named(event.text);
    if (phase)
      picture_.phase(event.host, *phase, is_failure(*phase) ? causes_[event.host] : "", when);
  }

  void over(std::int64_t ms) { picture_.over(at(ms)); }
  const RolloutPicture& picture() const { return picture_; }

private:
  RolloutPicture picture_;
  std::map<std::string, std::string> causes_;  // by label
};

}  // namespace

std::string RolloutReplay::standing() const {
  return rollout.kind + " of " + printable(rollout.who) + ": " + result_text(rollout, running);
}

std::vector<std::string> RolloutReplay::rows(const Window& window, std::int64_t now_ms) const {
  const bool runs = rollout.id == running;
  const bool is_left = !runs && !is_over(rollout.state);
  Row head(window);
  head.add(standing(), is_left ? Style::Bad : Style::Strong);
  if (is_left) head.add("; " + advice(rollout));
  std::vector<std::string> rows{head.text()};
  Player player(rollout);
  for (const auto& event : events) player.play(event);
  if (!runs && !is_left) player.over(rollout.ended_ms);
  auto below = window;
  below.height -= std::min<std::size_t>(window.height, 1);
  for (auto& row : player.picture().paint(below, at(now_ms))) rows.push_back(std::move(row));
  return rows;
}

std::vector<std::string> RolloutReplay::lines(std::size_t first) const {
  std::vector<std::string> lines;
  for (auto number = first; number < events.size(); ++number) {
    const auto& event = events[number];
    auto line = time_text(event.at_ms) + "  " + (event.host.empty() ? rollout.id : event.host);
    line += "  " + printable(event.host.empty() ? event.kind + " " + event.text : event.text);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace kongfleet::controller
