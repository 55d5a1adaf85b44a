// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/report.hpp"

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
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

/// A host that failed, and every one of whose words is somebody's attempt to be markup.
void add_hostile(RememberedRollout& rollout) {
  auto& one = rollout.hosts.emplace_back(host(rollout.hosts.size() + 1, HostPhase::Back));
  one.label = hostile;
  one.cause = hostile;
  auto& outcome = *one.outcome;
  outcome.set_error_log(hostile);
  outcome.mutable_steps(0)->set_detail(hostile);
  outcome.mutable_steps(0)->set_step(hostile);
  auto& probe = *outcome.add_probes();
  probe.set_name(hostile);
  probe.set_detail(hostile);
  auto& finding = *outcome.add_findings();
  finding.set_text(hostile);
  finding.set_advice(hostile);
  rollout.why = rollout.who = rollout.selection = hostile;
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
  CHECK(occurrences(page, "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;") > 10);
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
