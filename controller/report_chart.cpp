// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/report_chart.hpp"

#include "controller/durations.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace kongfleet::controller {

namespace {

constexpr double width = 900, left_edge = 70, top = 8, axis = 26;
constexpr double row_most = 16, height_most = 480;

std::string number(double value) {
  std::ostringstream text;
  text.precision(2);
  text << std::fixed << value;
  return text.str();
}

/// Where times and hosts are in the picture.
struct Scale {
  std::int64_t begin = 0;
  std::int64_t span = 1;
  double row = row_most;

  double x(std::int64_t ms) const {
    return left_edge +
           (width - left_edge - 12) * static_cast<double>(ms - begin) / static_cast<double>(span);
  }
  double y(std::size_t host) const { return top + row * static_cast<double>(host); }
};

Scale scale_of(const RememberedRollout& rollout) {
  Scale scale;
  std::int64_t last = 0;
  for (const auto& host : rollout.hosts) last = std::max(last, host.ended_ms);
  scale.begin = rollout.started_ms;
  scale.span = std::max<std::int64_t>(std::max(last, rollout.ended_ms) - scale.begin, 1000);
  scale.row = std::min(row_most, height_most / static_cast<double>(rollout.hosts.size()));
  return scale;
}

/// The smallest of the usual steps that makes at most eight marks.
std::int64_t tick_ms(std::int64_t span) {
  constexpr std::array<std::int64_t, 17> steps{
      500,     1000,    2000,      5000,      10'000,    15'000,     30'000,     60'000,    120'000,
      300'000, 600'000, 1'800'000, 3'600'000, 7'200'000, 21'600'000, 43'200'000, 86'400'000};
  const auto* const fits = std::find_if(steps.begin(), steps.end() - 1,
                                        [&](std::int64_t step) { return span / step <= 8; });
  return *fits;
}

void add_axis(Html& html, const Scale& scale, double bottom) {
  const auto tick = std::max(tick_ms(scale.span), scale.span / 20);
  for (std::int64_t at = 0; at <= scale.span; at += tick) {
    const auto x = number(scale.x(scale.begin + at));
    html.empty(
        "line",
        {{"class", "grid"}, {"x1", x}, {"x2", x}, {"y1", number(top)}, {"y2", number(bottom)}});
    html.leaf("text", text_of(std::chrono::milliseconds(at)),
              {{"x", x}, {"y", number(bottom + 17)}, {"text-anchor", "middle"}});
  }
}

void add_waves(Html& html, const RememberedRollout& rollout, const Scale& scale) {
  std::size_t begin = 0;
  while (begin < rollout.hosts.size()) {
    auto end = begin;
    while (end < rollout.hosts.size() && rollout.hosts[end].wave == rollout.hosts[begin].wave)
      ++end;
    const auto wave = rollout.hosts[begin].wave;
    const auto height = scale.y(end) - scale.y(begin);
    html.empty("rect", {{"class", wave % 2 == 0 ? "band" : "band odd"},
                        {"x", "0"},
                        {"y", number(scale.y(begin))},
                        {"width", number(width)},
                        {"height", number(height)}});
    if (height >= 10)
      html.leaf("text", "wave " + std::to_string(wave + 1),
                {{"x", "6"}, {"y", number(scale.y(begin) + height / 2 + 4)}});
    begin = end;
  }
}

void add_hosts(Html& html, const RememberedRollout& rollout, const Scale& scale) {
  for (std::size_t i = 0; i < rollout.hosts.size(); ++i) {
    const auto& host = rollout.hosts[i];
    if (!host.is_begun()) continue;
    const auto end = host.ended_ms == 0 ? scale.begin + scale.span : host.ended_ms;
    const auto from = scale.x(std::max(host.started_ms, scale.begin));
    const auto gap = scale.row > 4 ? 1.5 : 0;
    html.open("rect", {{"class", phase_class(host.phase)},
                       {"x", number(from)},
                       {"y", number(scale.y(i) + gap)},
                       {"width", number(std::max(scale.x(end) - from, 2.0))},
                       {"height", number(std::max(scale.row - 2 * gap, 0.2))}});
    html.leaf("title", host.label + ": " + std::string(phase_name(host.phase)) + ", " +
                           text_of(std::chrono::milliseconds(ms_between(host.started_ms, end))));
    html.close();
  }
}

}  // namespace

const char* phase_class(HostPhase phase) {
  switch (phase) {
    case HostPhase::Done:
    case HostPhase::Unchanged:
      return "good";
    case HostPhase::Waiting:
      return "idle";
    case HostPhase::Changing:
    case HostPhase::Trial:
    case HostPhase::Confirming:
    case HostPhase::Reverting:
      return "busy";
    default:
      return "bad";
  }
}

void add_chart(Html& html, const RememberedRollout& rollout) {
  const bool touched = std::any_of(rollout.hosts.begin(), rollout.hosts.end(),
                                   [](const auto& host) { return host.is_begun(); });
  if (!touched) return;
  const auto scale = scale_of(rollout);
  const auto bottom = scale.y(rollout.hosts.size());
  html.open("div", {{"class", "wide"}});
  html.open("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                    {"viewBox", "0 0 " + number(width) + " " + number(bottom + axis)},
                    {"role", "img"},
                    {"aria-label", "Hosts over time, wave by wave"}});
  add_waves(html, rollout, scale);
  add_axis(html, scale, bottom);
  add_hosts(html, rollout, scale);
  html.close().close();
}

}  // namespace kongfleet::controller
