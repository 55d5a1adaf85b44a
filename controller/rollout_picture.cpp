// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_picture.hpp"

#include "controller/answer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace kongfleet::controller {

namespace {

using enum HostPhase;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// What a person tells apart at a glance.
struct Group {
  const char* name;
  char mark;
  Style style;
  std::initializer_list<HostPhase> phases;
};

const std::array<Group, 5>& groups() {
  static const std::array<Group, 5> all{{
      {"done", '#', Style::Good, {Done, Unchanged}},
      {"in trial", '=', Style::Waiting, {Trial, Confirming}},
      {"changing", '>', Style::Busy, {Changing, Reverting}},
      {"failed", '!', Style::Bad, {Back, Refused, Unreachable, Lost, Stranded, Kept}},
      {"waiting", '.', Style::Faint, {Waiting}},
  }};
  return all;
}

const Group& group_of(HostPhase phase) {
  for (const auto& group : groups()) {
    if (std::find(group.phases.begin(), group.phases.end(), phase) != group.phases.end())
      return group;
  }
  return groups().back();
}

bool is_busy(HostPhase phase) {
  return phase == Changing || phase == Reverting || phase == Confirming;
}

}  // namespace

std::string clock_text(std::chrono::steady_clock::duration time) {
  const auto all = std::max<long>(0, duration_cast<seconds>(time).count());
  char text[32];
  if (all >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", all / 3600, all / 60 % 60, all % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", all / 60, all % 60);
  return text;
}

RunShape run_shape(std::string id, std::string kind, std::vector<std::string> hosts,
                   const std::optional<RolloutRules>& rules) {
  const auto count = hosts.size();
  RunShape shape{.id = std::move(id), .hosts = std::move(hosts), .wave_ends = {count}};
  shape.slots = count;
  shape.kind = std::move(kind);
  if (!rules) return shape;
  shape.wave_ends = rules->wave_ends;
  shape.bake = rules->bake;
  shape.slots = rules->max_unavailable;
  shape.max_failures = rules->max_failures;
  return shape;
}

RolloutPicture::RolloutPicture(RunShape shape, Time now) : shape_(std::move(shape)), began_(now) {
  for (const auto& label : shape_.hosts) {
    number_[label] = hosts_.size();
    const auto number = hosts_.size();
    hosts_.push_back({.label = label, .since = now});
    if (number < shape_.phases.size()) hosts_.back().phase = shape_.phases[number];
  }
  // Taken up again, it is in the wave of the first host that has not come to its end.
  const auto under_way = std::find_if(hosts_.begin(), hosts_.end(), [](const Host& host) {
    return host.phase != Done && host.phase != Unchanged && !is_failure(host.phase);
  });
  const auto first = static_cast<std::size_t>(under_way - hosts_.begin());
  while (wave_ + 1 < shape_.wave_ends.size() && first >= shape_.wave_ends[wave_]) ++wave_;
}

void RolloutPicture::wave(std::size_t number) {
  wave_ = number;
  bake_began_.reset();
}

void RolloutPicture::baking(Time now) { bake_began_ = now; }

void RolloutPicture::step(const std::string& host, const std::string& text, Time now) {
  const auto at = number_.find(host);
  if (at == number_.end()) return;
  auto& one = hosts_[at->second];
  if (!one.moved) one.began = now;
  one.moved = true;
  one.text = text;
  if (one.phase != Waiting) return;  // it was told to go back, or waits for something else
  one.phase = Changing;
  one.since = now;
}

void RolloutPicture::phase(const std::string& host, HostPhase phase, const std::string& text,
                           Time now) {
  const auto at = number_.find(host);
  if (at == number_.end()) return;
  auto& one = hosts_[at->second];
  if (phase == Trial && one.moved) {
    spent_ += duration_cast<milliseconds>(now - one.began);
    ++through_;
  }
  if (phase == Waiting) one.moved = false;  // it begins anew
  one.phase = phase;
  one.text = text;
  one.since = now;
}

void RolloutPicture::stopping(const std::string& why) { why_ = why; }
void RolloutPicture::over(Time now) { ended_ = now; }

std::size_t RolloutPicture::count(std::initializer_list<HostPhase> phases) const {
  return static_cast<std::size_t>(
      std::count_if(hosts_.begin(), hosts_.end(), [&](const Host& host) {
        return std::find(phases.begin(), phases.end(), host.phase) != phases.end();
      }));
}

// By what the hosts took that came through so far; nothing while there is none.
std::optional<seconds> RolloutPicture::left(Time now) const {
  if (through_ == 0 || !why_.empty() || ended_) return std::nullopt;
  const auto each = spent_ / static_cast<long>(through_);
  milliseconds all{0};
  for (auto wave = wave_; wave < shape_.wave_ends.size(); ++wave) {
    const auto begin = wave == 0 ? 0 : shape_.wave_ends[wave - 1];
    std::size_t to_go = 0;
    for (auto host = begin; host < shape_.wave_ends[wave]; ++host)
      to_go += hosts_[host].phase == Waiting || hosts_[host].phase == Changing ? 1U : 0U;
    const auto turns = (to_go + shape_.slots - 1) / std::max<std::size_t>(shape_.slots, 1);
    all += each * static_cast<long>(turns) + shape_.bake;
  }
  if (bake_began_) all -= std::min(shape_.bake, duration_cast<milliseconds>(now - *bake_began_));
  return duration_cast<seconds>(all + milliseconds(999));
}

Row RolloutPicture::title(const Window& window, Time now) const {
  Row row(window);
  row.add(shape_.id, Style::Strong).add("  " + clock_text(ended_.value_or(now) - began_));
  const auto rest = left(now);
  if (rest) row.add("  about " + clock_text(*rest) + " left", Style::Faint);
  return row;
}

/// As many columns for each group as it has hosts of all; one at least for every group that has
/// one.
Row RolloutPicture::bar(const Window& window) const {
  Row row(window);
  const auto total = std::max<std::size_t>(hosts_.size(), 1);
  const auto done = std::to_string(count({Done, Unchanged})) + "/" + std::to_string(hosts_.size());
  const auto room = window.width > done.size() + 12 ? window.width - done.size() - 4 : 0;
  const auto width = std::min<std::size_t>(room, 100);
  if (width == 0) return row.add(done);
  row.add("[", Style::Faint);
  std::size_t before = 0, painted = 0;
  for (const auto& group : groups()) {
    const auto hosts = count(group.phases);
    before += hosts;
    auto columns = before * width / total - std::min(before * width / total, painted);
    if (hosts > 0) columns = std::max<std::size_t>(columns, 1);
    columns = std::min(columns, width - painted);
    row.add(std::string(columns, group.mark), group.style);
    painted += columns;
  }
  return row.add("] ", Style::Faint).add(done, Style::Strong);
}

Row RolloutPicture::counts(const Window& window) const {
  Row row(window);
  for (const auto& group : groups()) {
    const auto hosts = count(group.phases);
    const bool shown = hosts > 0 || group.mark == '!';
    if (!shown) continue;
    row.add(row.columns() == 0 ? "" : "   ");
    row.add(std::to_string(hosts) + " " + group.name, hosts > 0 ? group.style : Style::Faint);
    if (group.mark == '!')
      row.add(" of " + std::to_string(shape_.max_failures) + " allowed", Style::Faint);
  }
  return row;
}

Row RolloutPicture::situation(const Window& window, Time now) const {
  Row row(window);
  if (!why_.empty()) return row.add("stops: " + why_, Style::Bad);
  if (ended_ || (shape_.wave_ends.size() < 2 && !bake_began_)) return row;
  const auto begin = wave_ == 0 ? 0 : shape_.wave_ends[wave_ - 1];
  row.add("wave " + std::to_string(wave_ + 1) + " of " + std::to_string(shape_.wave_ends.size()),
          Style::Strong);
  row.add(", " + counted(shape_.wave_ends[wave_] - begin, "host"));
  if (wave_ == 0 && shape_.wave_ends.size() > 1) row.add(" (canary)");
  if (bake_began_) {
    const auto rest = shape_.bake - (now - *bake_began_);
    row.add(", bakes for " + clock_text(std::max<Time::duration>(rest, seconds(0))) + " more",
            Style::Waiting);
  }
  return row;
}

std::size_t RolloutPicture::label_width() const {
  std::size_t width = 0;
  for (const auto& host : hosts_) width = std::max(width, host.label.size());
  return std::min<std::size_t>(width, 28);
}

Row RolloutPicture::host_row(const Window& window, const Host& host, Time now) const {
  Row row(window);
  const auto& group = group_of(host.phase);
  const auto column = label_width() + 4;
  row.add("  ").add(host.label).to(column);
  row.add(std::string(phase_name(host.phase)), group.style).to(column + 12);
  if (is_busy(host.phase)) row.add(clock_text(now - host.since) + "  ", Style::Faint);
  return row.add(host.text);
}

void RolloutPicture::all_hosts(Rows& rows, const Window& window, Time now) const {
  for (const auto& host : hosts_) rows.push_back(host_row(window, host, now).text());
}

// Who fails comes first, with the cause; then who has been at it for longest; then what ended last.
void RolloutPicture::some_hosts(Rows& rows, std::size_t room, const Window& window,
                                Time now) const {
  std::vector<const Host*> failing, busy, ended;
  for (const auto& host : hosts_) {
    const char mark = group_of(host.phase).mark;
    if (mark == '!') failing.push_back(&host);
    if (is_busy(host.phase)) busy.push_back(&host);
    if (mark == '#' || host.phase == Trial) ended.push_back(&host);
  }
  const auto later = [](const Host* a, const Host* b) { return a->since > b->since; };
  std::sort(failing.begin(), failing.end(), later);
  std::sort(busy.begin(), busy.end(),
            [](const Host* a, const Host* b) { return a->since < b->since; });
  std::sort(ended.begin(), ended.end(), later);
  const auto list = [&](const char* name, const std::vector<const Host*>& all, std::size_t most) {
    most = std::min(most, room);
    if (all.empty() || most < 2) return;
    const auto shown = std::min(all.size(), most - 1);
    const auto more = all.size() - shown;
    Row head(window);
    head.add(name, Style::Strong);
    if (more > 0) head.add("  and " + std::to_string(more) + " more", Style::Faint);
    rows.push_back(head.text());
    for (std::size_t i = 0; i < shown; ++i) rows.push_back(host_row(window, *all[i], now).text());
    room -= shown + 1;
  };
  list("failed", failing, std::max<std::size_t>(room / 2, 4));
  list("at work, longest first", busy, std::max<std::size_t>(room * 2 / 3, 4));
  list("last to come through", ended, room);
}

std::vector<std::string> RolloutPicture::paint(const Window& window, Time now) const {
  Rows rows;
  rows.push_back(title(window, now).text());
  rows.push_back(bar(window).text());
  rows.push_back(counts(window).text());
  const auto here = situation(window, now);
  if (here.columns() > 0) rows.push_back(here.text());
  const auto height = std::max<std::size_t>(window.height, 2) - 1;
  const auto room = height > rows.size() ? height - rows.size() : 0;
  if (hosts_.size() <= room)
    all_hosts(rows, window, now);
  else
    some_hosts(rows, room, window, now);
  if (rows.size() > height) rows.resize(height);
  return rows;
}

}  // namespace kongfleet::controller
