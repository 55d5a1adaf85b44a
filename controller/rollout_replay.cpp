// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_replay.hpp"

#include "controller/answer.hpp"
#include "controller/history_view.hpp"
#include "controller/moment.hpp"
#include "proto/names.hpp"

#include <charconv>
#include <map>
#include <set>

namespace kongfleet::controller {

namespace {

using Time = RolloutPicture::Time;

// The picture only compares times: the wall clock's do as well, and are those that are remembered.
Time at(std::int64_t ms) { return Time(std::chrono::milliseconds(ms)); }

// A host that was set aside before the rollout began has no event.
RunShape shape_of(const RolloutReplay& replay) {
  std::set<std::string> told;
  for (const auto& event : replay.events) told.insert(event.host);
  std::vector<std::string> labels;
  std::vector<HostPhase> phases;
  for (const auto& host : replay.rollout.hosts) {
    labels.push_back(host.label);
    const bool set_aside = host.started_ms == 0 && !told.contains(host.label);
    phases.push_back(set_aside ? host.phase : HostPhase::Waiting);
  }
  auto shape = run_shape(replay.rollout.id, replay.rollout.kind, std::move(labels), replay.rules);
  shape.phases = std::move(phases);
  return shape;
}

// "2/3: 4 hosts", as RolloutRecord writes it.
std::size_t wave_in(const std::string& text) {
  std::size_t number = 1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number - 1;
}

std::map<std::string, std::string> causes_of(const RememberedRollout& rollout) {
  std::map<std::string, std::string> causes;
  for (const auto& host : rollout.hosts) causes[host.label] = printable(host.cause);
  return causes;
}

class Player {
public:
  explicit Player(const RolloutReplay& replay)
      : picture_(shape_of(replay), at(replay.rollout.started_ms)),
        causes_(causes_of(replay.rollout)) {
    for (const auto& event : replay.events) play(event);
  }

  void stop(const std::string& why) { picture_.stopping(why); }
  void over(std::int64_t ms) { picture_.over(at(ms)); }
  const RolloutPicture& picture() const { return picture_; }

private:
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

  RolloutPicture picture_;
  std::map<std::string, std::string> causes_;  // by label
};

}  // namespace

std::string RolloutReplay::standing() const {
  return rollout.kind + " of " + printable(rollout.who) + ": " + result_text(rollout, running);
}

std::vector<std::string> RolloutReplay::rows(const Window& window, std::int64_t now_ms) const {
  const bool is_left = !runs() && !is_over(rollout.state);
  std::vector<std::string> rows{
      Row(window).add(standing(), is_left ? Style::Bad : Style::Strong).text()};
  Player player(*this);
  if (is_left) {
    rows.push_back(Row(window).add(way_on(rollout)).text());
    rows.push_back(Row(window).add(way_back(rollout)).text());
    if (rollout.state == RolloutState::Open) player.stop("its controller is gone");
  }
  auto now = now_ms;
  if (!runs()) {
    const auto last = events.empty() ? rollout.started_ms : events.back().at_ms;
    now = rollout.ended_ms == 0 ? last : rollout.ended_ms;
    player.over(now);
  }
  auto below = window;
  below.height -= std::min(window.height, rows.size());
  for (auto& row : player.picture().paint(below, at(now))) rows.push_back(std::move(row));
  return rows;
}

std::vector<std::string> RolloutReplay::lines(std::size_t first) const {
  auto causes = causes_of(rollout);
  std::vector<std::string> lines;
  for (auto number = first; number < events.size(); ++number) {
    const auto& event = events[number];
    auto line = time_text(event.at_ms) + "  " + (event.host.empty() ? rollout.id : event.host);
    line += "  " + printable(event.host.empty() ? event.kind + " " + event.text : event.text);
    const auto phase = event.kind == "host" ? phase_named(event.text) : std::nullopt;
    const auto& cause = causes[event.host];
    if (phase && is_failure(*phase) && !cause.empty()) line += ": " + cause;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace kongfleet::controller
