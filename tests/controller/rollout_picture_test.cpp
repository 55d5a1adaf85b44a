// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_picture.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <iostream>
#include <random>

namespace kongfleet::controller::test {
namespace {

using namespace std::chrono_literals;
using Time = RolloutPicture::Time;
using Rows = std::vector<std::string>;

const Time start = Time() + 1h;

std::string host(std::size_t number) { return "edge-" + std::to_string(number); }

RunShape shape_of(std::size_t hosts) {
  RunShape shape{.id = "rollout-1", .bake = 60s, .slots = 5, .max_failures = 2};
  for (std::size_t i = 1; i <= hosts; ++i) shape.hosts.push_back(host(i));
  shape.wave_ends = {1, (hosts + 1) / 2, hosts};
  return shape;
}

/// The row that holds a text; empty where none does.
std::string row_with(const Rows& rows, const std::string& text) {
  for (const auto& row : rows)
    if (row.find(text) != std::string::npos) return row;
  return "";
}

bool any(const Rows& rows, const std::string& text) { return !row_with(rows, text).empty(); }

/// Columns of a row of ASCII, colours taken out.
std::size_t columns(const std::string& row) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] == '\x1b')
      i = row.find('m', i);
    else
      ++count;
  }
  return count;
}

/// KONGFLEET_SHOW_PICTURES=1: for whoever changes how it looks.
void show(const Rows& rows) {
  if (std::getenv("KONGFLEET_SHOW_PICTURES") == nullptr) return;
  for (const auto& row : rows) std::cout << "|" << row << "\n";
  std::cout << "\n";
}

}  // namespace

TEST_CASE("a rollout that is gone on with begins in the wave it had come to") {
  using enum HostPhase;
  auto shape = shape_of(10);  // waves of 1, 4 and 5
  const auto wave_of = [&](std::vector<HostPhase> phases) {
    phases.resize(10, Waiting);
    shape.phases = std::move(phases);
    const auto rows = RolloutPicture(shape, start).paint({.width = 100, .height = 30}, start);
    const auto row = row_with(rows, "wave ");
    return row.substr(row.find("wave "), 11);
  };
  CHECK(wave_of({}) == "wave 1 of 3");
  CHECK(wave_of({Done}) == "wave 2 of 3");
  CHECK(wave_of({Trial}) == "wave 1 of 3");
  CHECK(wave_of({Done, Unchanged, Back, Trial}) == "wave 2 of 3");
  CHECK(wave_of({Done, Done, Done, Done, Unchanged}) == "wave 3 of 3");
  CHECK(wave_of(std::vector<HostPhase>(10, Done)) == "wave 3 of 3");
}

TEST_CASE(
    "a host that was changing when its controller died has not been at it since the machine "
    "began") {
  auto shape = shape_of(2);
  shape.phases = {HostPhase::Changing, HostPhase::Waiting};
  const auto rows = RolloutPicture(shape, start).paint({.width = 100, .height = 30}, start + 7s);
  CHECK_THAT(row_with(rows, host(1)), Catch::Contains("0:07"));
}

TEST_CASE("with few hosts each has its row, with what it does and for how long") {
  RolloutPicture picture(shape_of(3), start);
  picture.wave(0);
  picture.step(host(1), "reload", start + 1s);
  picture.phase(host(1), HostPhase::Trial, "4 new workers serve it (812 ms)", start + 3s);
  picture.phase(host(1), HostPhase::Done, "runs my-plugin@1.1.0", start + 63s);
  picture.wave(1);
  picture.step(host(2), "verify: probe echo", start + 70s);
  const auto rows = picture.paint({.width = 80, .height = 24}, start + 82s);
  show(rows);
  CHECK(rows[0].starts_with("rollout-1  1:22  about "));
  CHECK(row_with(rows, "edge-1").ends_with("done        runs my-plugin@1.1.0"));
  CHECK(row_with(rows, "edge-2").ends_with("changing    0:12  verify: probe echo"));
  CHECK(row_with(rows, "edge-3").ends_with("waiting     "));
  CHECK(any(rows, "1 done   1 changing   0 failed of 2 allowed   1 waiting"));
  CHECK(any(rows, "wave 2 of 3, 1 host"));
}

TEST_CASE("with many hosts the failing come first, then the slowest, then the last ones") {
  RolloutPicture picture(shape_of(3000), start);
  picture.wave(0);
  picture.wave(1);
  for (std::size_t i = 1; i <= 900; ++i) {
    picture.step(host(i), "reload", start + i * 1ms);
    picture.phase(host(i), HostPhase::Trial, "2 new workers serve it", start + 1s + i * 1ms);
  }
  picture.step(host(950), "verify", start + 2s);
  picture.step(host(951), "reload", start + 9s);
  picture.phase(host(960), HostPhase::Back, "my-plugin/handler.lua:12: attempt to index nil",
                start + 10s);
  const auto rows = picture.paint({.width = 80, .height = 24}, start + 20s);
  show(rows);
  CHECK(rows.size() <= 23);
  CHECK(any(rows, "900 in trial   2 changing   1 failed of 2 allowed   2097 waiting"));
  const auto at = [&](const std::string& text) {
    return std::find_if(rows.begin(), rows.end(),
                        [&](const auto& row) { return row.find(text) != std::string::npos; }) -
           rows.begin();
  };
  CHECK(at("handler.lua:12: attempt to index nil") < at("edge-950 "));
  CHECK(at("edge-950 ") < at("edge-951 "));
  CHECK(at("edge-951 ") < at("edge-900 "));
  CHECK(at("edge-900 ") < std::ssize(rows));
}

TEST_CASE("the bar has as many columns for each group as it has hosts of all") {
  using enum HostPhase;
  const auto bar = [](std::size_t width,
                      const std::vector<std::pair<HostPhase, std::size_t>>& hosts,
                      bool colours = false) {
    std::vector<HostPhase> phases;
    for (const auto& [phase, count] : hosts) phases.insert(phases.end(), count, phase);
    auto shape = shape_of(phases.size());
    shape.phases = phases;
    const Window window{.width = width, .height = 24, .colours = colours};
    return RolloutPicture(shape, start).paint(window, start)[1];
  };
  CHECK(bar(29, {{Done, 10}, {Trial, 4}, {Changing, 2}, {Back, 1}, {Waiting, 3}}) ==
        "[##########====>>!...] 10/20");
  CHECK(bar(48, {{Waiting, 3}, {Stranded, 1}, {Unchanged, 3}, {Confirming, 2}, {Reverting, 1}}) ==
        "[############========>>>>!!!!............] 3/10");
  CHECK(bar(18, {{Waiting, 4}}) == "[...........] 0/4");
  CHECK(bar(18, {{Done, 4}}) == "[###########] 4/4");
  // However few they are, they are seen; and it does not grow without end.
  CHECK(bar(200, {{Done, 1999}, {Changing, 2}, {Lost, 1}, {Waiting, 998}}) ==
        "[" + std::string(66, '#') + ">!" + std::string(32, '.') + "] 1999/3000");
  CHECK(bar(12, {{Done, 2}, {Waiting, 2}}) == "2/4");
  CHECK(bar(18, {{Done, 4}}, true) ==
        "\x1b[2m[\x1b[0m\x1b[32m###########\x1b[0m\x1b[2m] \x1b[0m\x1b[1m4/4\x1b[0m");
}

TEST_CASE("a bake is counted down, and a stop says why instead") {
  RolloutPicture picture(shape_of(10), start);
  picture.wave(0);
  picture.phase(host(1), HostPhase::Trial, "", start);
  picture.baking(start);
  CHECK(any(picture.paint({}, start + 18s), "(canary), bakes for 0:42 more"));
  CHECK(any(picture.paint({}, start + 80s), "bakes for 0:00 more"));
  picture.stopping("1 failed, allowed are 0");
  CHECK(any(picture.paint({}, start + 81s), "stops: 1 failed, allowed are 0"));
  picture.over(start + 90s);
  CHECK(picture.paint({}, start + 200s)[0] == "rollout-1  1:30");
}

TEST_CASE("what is left is known once a host came through") {
  RolloutPicture picture(shape_of(21), start);
  picture.wave(0);
  picture.step(host(1), "stage", start);
  CHECK(picture.paint({}, start + 1s)[0] == "rollout-1  0:01");
  picture.phase(host(1), HostPhase::Trial, "", start + 4s);
  picture.baking(start + 4s);
  // The canary bakes for 60 s more; 10 and 10 hosts in 2 turns of 4 s each, and bake.
  CHECK(picture.paint({}, start + 4s)[0] == "rollout-1  0:04  about 3:16 left");
  CHECK(picture.paint({}, start + 34s)[0] == "rollout-1  0:34  about 2:46 left");
}

TEST_CASE("whatever happens and whatever the window, no row is too wide and none too many") {
  std::mt19937 chance(7);
  const auto below = [&](std::size_t end) { return chance() % end; };
  for (int round = 0; round < 400; ++round) {
    const auto hosts = 1 + below(40);
    RolloutPicture picture(shape_of(hosts), start);
    auto now = start;
    for (int event = 0; event < 60; ++event) {
      now += below(5000) * 1ms;
      const auto one = host(1 + below(hosts + 1));
      const auto what = below(6);
      if (what == 0) picture.wave(below(3));
      if (what == 1) picture.baking(now);
      if (what == 2) picture.stopping(std::string(below(200), 'w'));
      if (what == 3) picture.step(one, std::string(below(200), 's'), now);
      if (what > 3)
        picture.phase(one, static_cast<HostPhase>(below(13)), std::string(below(90), 'p'), now);
    }
    for (const bool colours : {false, true}) {
      const Window window{1 + below(130), 1 + below(60), colours};
      const auto rows = picture.paint(window, now);
      CHECK(rows.size() <= std::max<std::size_t>(window.height - 1, 1));
      for (const auto& row : rows) {
        INFO(window.width << "x" << window.height << ": " << row);
        REQUIRE(columns(row) <= window.width);
        REQUIRE((colours || row.find('\x1b') == std::string::npos));
      }
    }
  }
}

TEST_CASE("a row is cut at the window's edge, by columns and not by bytes") {
  const auto cut = [](std::size_t width, const std::string& text) {
    return Row({.width = width}).add(text).text();
  };
  CHECK(cut(5, "abcde") == "abcde");
  CHECK(cut(5, "abcdef") == "abcd~");
  CHECK(cut(4, "äöüß") == "äöüß");
  CHECK(cut(4, "日本") == "日本");
  CHECK(cut(4, "日本語") == "日~");
  CHECK(Row({.width = 9}).add("a").to(4).add("b").to(2).add("c").text() == "a   b c");
  CHECK(Row({.width = 6, .colours = true}).add("a", Style::Bad).text() == "\x1b[1;31ma\x1b[0m");
}

}  // namespace kongfleet::controller::test
