// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/report.hpp"

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

namespace kongfleet::controller::test {
namespace {

using boost::property_tree::ptree;

constexpr std::int64_t start = 1'764'000'000'000;
constexpr const char* hostile = "<script>alert(\"x\")</script>\x1b[31m&amp;'\n</pre><img src=x>\n";

RememberedHost host(std::size_t number, HostPhase phase) {
  RememberedHost one;
  one.label = "edge-" + std::to_string(number);
  one.wave = number == 1 ? 0 : 1;
  one.phase = phase;
  if (phase == HostPhase::Waiting) return one;
  one.started_ms = start + static_cast<std::int64_t>(number) * 400;
  one.ended_ms = one.started_ms + 61'000;
  wire::Outcome outcome;
  for (const auto* name : {"stage", "preflight", "switch", "reload", "verify"}) {
    auto& step = *outcome.add_steps();
    step.set_step(name);
    step.set_ms(static_cast<std::uint32_t>(10 * number));
    step.set_ok(true);
  }
  one.outcome = outcome;
  return one;
}

RememberedRollout rollout_of(std::size_t hosts) {
  RememberedRollout rollout;
  rollout.id = "rollout-20261124T172707-6472";
  rollout.kind = "rollout";
  rollout.who = "ops@deploy-1";
  rollout.started_ms = start;
  rollout.ended_ms = start + 120'000;
  rollout.state = RolloutState::Ended;
  rollout.releases = {{"my-plugin", "1.4.0", std::string(64, 'a')}};
  for (std::size_t i = 1; i <= hosts; ++i) rollout.hosts.push_back(host(i, HostPhase::Done));
  return rollout;
}

/// What stands in a field, beginning with the field's name.
std::string hostile_in(const std::string& field) { return field + hostile; }

/// A host that failed, and every one of whose words is somebody's attempt to be markup.
void add_hostile(RememberedRollout& rollout) {
  auto& one = rollout.hosts.emplace_back(host(rollout.hosts.size() + 1, HostPhase::Back));
  one.label = hostile_in("label");
  one.cause = hostile_in("cause");
  auto& outcome = *one.outcome;
  outcome.set_error_log(hostile_in("log"));
  outcome.mutable_steps(0)->set_detail(hostile_in("detail-of-step"));
  outcome.mutable_steps(0)->set_step(hostile_in("name-of-step"));
  auto& probe = *outcome.add_probes();
  probe.set_name(hostile_in("name-of-probe"));
  probe.set_detail(hostile_in("detail-of-probe"));
  auto& finding = *outcome.add_findings();
  finding.set_text(hostile_in("finding"));
  finding.set_advice(hostile_in("advice"));
  rollout.why = hostile_in("why");
  rollout.who = hostile_in("who");
  rollout.selection = hostile_in("selection");
}

/// Throws where the page is not well-formed.
ptree parsed(const std::string& page) {
  std::istringstream text(page);
  ptree tree;
  read_xml(text, tree);
  return tree;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

using Attributes = std::map<std::string, std::string>;

/// The elements of that name anywhere below, in their order: their attributes, and their text as
/// "text".
std::vector<Attributes> elements(const ptree& tree, const std::string& name) {
  std::vector<Attributes> found;
  for (const auto& [own_name, child] : tree) {
    if (own_name == name) {
      auto& one = found.emplace_back();
      one["text"] = child.data();
      for (const auto& [key, value] : child.get_child("<xmlattr>", {})) one[key] = value.data();
    }
    const auto below = elements(child, name);
    found.insert(found.end(), below.begin(), below.end());
  }
  return found;
}

std::vector<Attributes> only(std::vector<Attributes> all, const std::string& key,
                             const std::string& beginning) {
  std::erase_if(all, [&](const Attributes& one) {
    return one.count(key) == 0 || !one.at(key).starts_with(beginning);
  });
  return all;
}

double number_in(const Attributes& one, const std::string& key) { return std::stod(one.at(key)); }

}  // namespace

TEST_CASE("a report names the release, every host and each of its steps, and needs nothing else") {
  const auto page = report_page(rollout_of(3), {}, "done");
  const auto tree = parsed(page);
  CHECK(tree.get<std::string>("html.head.title") == "kongfleet: rollout-20261124T172707-6472");
  CHECK(page.find("my-plugin@1.4.0") != std::string::npos);
  for (const auto* name : {"edge-1", "edge-2", "edge-3"})
    CHECK(page.find("<td>" + std::string(name) + "</td>") != std::string::npos);
  CHECK(occurrences(page, ">preflight</td>") == 3);
  CHECK(page.find("What failed") == std::string::npos);
  for (const auto* foreign : {"<script", "<link", "<img", "src=", "url(", "@import", "https:"})
    CHECK(page.find(foreign) == std::string::npos);
}

TEST_CASE("a report has the steps of the way back, and the probe that fails after it") {
  auto rollout = rollout_of(2);
  auto& one = rollout.hosts[1];
  one.way_back = one.outcome;
  one.outcome.reset();
  one.way_back->mutable_steps(0)->set_step("restore");
  auto page = report_page(rollout, {}, "done");
  CHECK(occurrences(page, ">restore</td>") == 1);
  CHECK(page.find("5 steps of the way back</summary>") != std::string::npos);
  CHECK(page.find("What failed") == std::string::npos);
  auto& probe = *one.way_back->add_probes();
  probe.set_name("echo");
  probe.set_detail("status 502");
  page = report_page(rollout, {}, "done");
  CHECK(page.find("What failed") < page.find("it is back, and a probe is not content there"));
  CHECK(page.find("The way back:") < page.find("probe echo"));
  CHECK(page.find("status 502") < page.find("Every host"));
  CHECK(occurrences(page, "<b class=\"bad\">1</b>") == 1);  // the tile of those that failed
}

TEST_CASE("what failed comes before the table, cause first") {
  auto rollout = rollout_of(3);
  rollout.hosts[1].phase = HostPhase::Back;
  rollout.hosts[1].cause = "kong/plugins/my-plugin/handler.lua:4: attempt to call nil";
  rollout.hosts[2] = host(3, HostPhase::Waiting);
  rollout.exit_code = 3;
  const auto page = report_page(rollout, {{start, "host", "edge-2", "back"}}, "failed");
  const auto cause = page.find("handler.lua:4: attempt to call nil");
  REQUIRE(cause != std::string::npos);
  CHECK(page.find("What failed") < cause);
  CHECK(cause < page.find("Every host"));
  CHECK(page.find(">waiting</td>") != std::string::npos);
  CHECK(page.find("1 event") != std::string::npos);
}

TEST_CASE("nothing that a host says is markup") {
  auto rollout = rollout_of(2);
  add_hostile(rollout);
  const auto page =
      report_page(rollout, {{start, "host", hostile, hostile}, {start, hostile, "", ""}}, hostile);
  parsed(page);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("<img") == std::string::npos);
  CHECK(page.find('\x1b') == std::string::npos);
}

TEST_CASE("all the evidence of a host that failed is in the report") {
  auto rollout = rollout_of(2);
  add_hostile(rollout);
  const auto page = report_page(
      rollout, {{start, hostile_in("kind"), hostile_in("host-of-event"), hostile_in("text")}},
      hostile_in("result"));
  const auto times = [&](const std::string& field) {
    return occurrences(page, field + "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;");
  };
  for (const auto* once : {"cause", "log", "name-of-probe", "detail-of-probe", "finding", "advice",
                           "why", "who", "selection", "kind", "host-of-event", "text", "result"}) {
    INFO(once);
    CHECK(times(once) == 1);
  }
  CHECK(times("label") == 3);         // in the chart, of the failure, in the table
  CHECK(times("name-of-step") == 2);  // of the failure, in the table
  CHECK(times("detail-of-step") == 2);
}

TEST_CASE("a report has how long every host took, and each of its steps") {
  const auto page = report_page(rollout_of(3), {}, "done");
  CHECK(occurrences(page, "<td class=\"number\">1:01</td>") == 3);
  for (const auto* ms : {"10", "20", "30"})
    CHECK(occurrences(page, "<td class=\"number\">" + std::string(ms) + " ms</td>") == 5);
  CHECK(occurrences(page, "took 2:00") == 1);
}

TEST_CASE("a report calls a probe without a verdict inconclusive, and not failed") {
  auto rollout = rollout_of(1);
  rollout.hosts[0].phase = HostPhase::Back;
  auto& probe = *rollout.hosts[0].outcome->add_probes();
  probe.set_name("guide");
  probe.set_detail("no traffic");
  const auto verdict = [&] {
    const auto page = report_page(rollout, {}, "failed");
    const auto at = page.find("<b>probe guide</b>");
    return page.substr(at, page.find("no traffic", at) - at);
  };
  CHECK_THAT(verdict(), Catch::Contains("> failed <"));
  probe.set_inconclusive(true);
  CHECK_THAT(verdict(), Catch::Contains("> inconclusive <") && !Catch::Contains("failed"));
  probe.set_ok(true);
  CHECK_THAT(verdict(), Catch::Contains("> ok <"));
}

TEST_CASE("the chart has a band for each wave, a time axis, and each host where its time is") {
  constexpr double left = 70, wide = 818, top = 8, row = 16, seconds = 120;
  const auto tree = parsed(report_page(rollout_of(3), {}, "done"));
  const auto rects = elements(tree, "rect");
  const auto texts = elements(tree, "text");
  const auto bands = only(rects, "class", "band");
  REQUIRE(bands.size() == 2);  // of 1 host and of 2
  for (std::size_t wave = 0; wave < 2; ++wave) {
    CHECK(number_in(bands[wave], "x") == 0);
    CHECK(number_in(bands[wave], "width") == 900);
    CHECK(number_in(bands[wave], "y") == top + row * static_cast<double>(wave));
    CHECK(number_in(bands[wave], "height") == row * static_cast<double>(wave + 1));
    CHECK(only(texts, "text", "wave " + std::to_string(wave + 1)).size() == 1);
  }
  CHECK(bands[0].at("class") != bands[1].at("class"));
  const auto marks = only(elements(tree, "line"), "class", "grid");
  const auto times = only(texts, "text-anchor", "middle");
  const std::vector<std::string> shown{"0s",    "15s",   "30s",   "45s", "1m",
                                       "1m15s", "1m30s", "1m45s", "2m"};
  REQUIRE(marks.size() == shown.size());
  REQUIRE(times.size() == shown.size());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto x = Approx(left + wide * static_cast<double>(i) * 15 / seconds).margin(0.01);
    CHECK(times[i].at("text") == shown[i]);
    CHECK(number_in(times[i], "x") == x);
    CHECK(number_in(marks[i], "x1") == x);
    CHECK(number_in(marks[i], "x2") == x);
    CHECK(number_in(marks[i], "y2") - number_in(marks[i], "y1") == 3 * row);
  }
  const auto bars = only(rects, "class", "good");
  REQUIRE(bars.size() == 3);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const auto begun = 0.4 * static_cast<double>(i + 1);
    CHECK(number_in(bars[i], "x") == Approx(left + wide * begun / seconds).margin(0.01));
    CHECK(number_in(bars[i], "width") == Approx(wide * 61 / seconds).margin(0.02));
    CHECK(number_in(bars[i], "y") > top + row * static_cast<double>(i));
    CHECK(number_in(bars[i], "y") + number_in(bars[i], "height") <
          top + row * static_cast<double>(i + 1));
  }
}

TEST_CASE("the chart has a line for each host that was touched, however many there are") {
  CHECK(occurrences(report_page(rollout_of(3000), {}, "done"), "<rect class=\"good\"") == 3000);
  auto untouched = rollout_of(0);
  for (std::size_t i = 1; i < 5; ++i) untouched.hosts.push_back(host(i, HostPhase::Waiting));
  const auto page = report_page(untouched, {}, "refused");
  CHECK(page.find("<svg") == std::string::npos);
  parsed(page);
  parsed(report_page(rollout_of(0), {}, "nothing"));
}

// KONGFLEET_SHOW_REPORT=FILE: for whoever changes how it looks.
TEST_CASE("a report can be looked at") {
  auto rollout = rollout_of(40);
  add_hostile(rollout);
  rollout.exit_code = 3;
  const auto page = report_page(rollout, {{start, "wave", "", "canary"}}, "failed");
  CHECK(page.size() < 200'000);
  if (const char* file = std::getenv("KONGFLEET_SHOW_REPORT")) std::ofstream(file) << page;
}

}  // namespace kongfleet::controller::test
