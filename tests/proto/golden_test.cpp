// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/framing.hpp"
#include "proto/kongfleet.pb.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

// The bytes of every message, kept for ever: what an agent or controller of today sends must be
// understood by every later one, and the other way round. A new message or field adds a file or a
// line here; an existing file never changes. KONGFLEET_WRITE_GOLDEN=1 writes files that do not
// exist yet.

namespace {

using namespace kongfleet;

std::string hex(const std::string& bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
    if (text.size() % 65 == 64) text += '\n';
  }
  return text + "\n";
}

template <class Message>
void check_golden(const std::string& name, const Message& message) {
  const auto path = std::string(KONGFLEET_SOURCE) + "/tests/golden/" + name + ".hex";
  const auto bytes = frame(message.SerializeAsString());
  std::ifstream file(path);
  if (!file && std::getenv("KONGFLEET_WRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << hex(bytes);
    file.open(path);
  }
  INFO(path);
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  CHECK(text.str() == hex(bytes));
  FrameReader reader;
  reader.feed(bytes);
  Message again;
  REQUIRE(again.ParseFromString(*reader.next()));
  CHECK(again.SerializeAsString() == message.SerializeAsString());
  // Cut short anywhere it is refused or a shorter valid message, never a crash.
  const auto body = message.SerializeAsString();
  for (std::size_t length = 0; length < body.size(); ++length) {
    Message cut;
    static_cast<void>(cut.ParseFromString(body.substr(0, length)));
  }
}

void set(wire::OpenTransaction& open) {
  open.set_id("rollout-1/edge-01");
  open.set_holder("ops@deploy-1");
  open.set_step("trial");
  open.set_age_s(7);
  open.set_lease_left_s(593);
  open.set_generation(8);
}

void set(wire::Finding& finding) {
  finding.set_code("syntax");
  finding.set_plugin("my-plugin");
  finding.set_file("kong/plugins/my-plugin/handler.lua");
  finding.set_line(12);
  finding.set_text("'<eof>' expected near 'local'");
  finding.set_advice("mend it");
}

void set(wire::HostState& state) {
  state.set_kong_version("3.4.2");
  state.set_role("traditional");
  state.set_generation(7);
  state.set_generation_digest("3fa9c1d2e4b0");
  auto& release = *state.add_releases();
  release.set_name("my-plugin");
  release.set_version("1.0.0");
  release.set_digest("00ff");
  state.add_drift("files: x");
  set(*state.mutable_open());
  state.set_state("trial");
  state.set_advice("none");
  state.set_kong_conf("/etc/kong/kong.conf");
  state.set_unit("kong.service");
  state.add_generations(8);
  state.add_generations(7);
}

void set(wire::Probe& probe) {
  probe.set_name("echo");
  probe.set_type("http");
  probe.set_url("http://127.0.0.1:8000/mock");
  probe.set_status(200);
  auto& rule = *probe.add_header();
  rule.set_name("X-MyPlugin");
  rule.set_pattern("1\\..*");
  probe.set_body("ok");
  probe.set_address("127.0.0.1:8000");
  probe.set_interval_ms(500);
  probe.set_timeout_ms(2000);
  probe.set_successes(3);
}

void set(wire::Outcome& outcome) {
  outcome.set_transaction("rollout-1/edge-01");
  outcome.set_result(wire::Outcome::ROLLED_BACK);
  outcome.set_cause("probe 'echo': status 500");
  auto& step = *outcome.add_steps();
  step.set_step("verify");
  step.set_ms(812);
  step.set_ok(false);
  step.set_detail("probe 'echo'");
  set(*outcome.add_findings());
  auto& probe = *outcome.add_probes();
  probe.set_name("echo");
  probe.set_ok(false);
  probe.set_detail("status 500");
  probe.set_tries(4);
  probe.set_ms(1500);
  outcome.set_error_log("[error] x");
  auto& worker = *outcome.add_workers();
  worker.set_pid(4711);
  worker.set_start(123456);
  worker.set_state("serving");
  worker.set_fresh(true);
  set(*outcome.mutable_host());
  outcome.set_lease_left_ms(1000);
}

void set(wire::Plan& plan) {
  plan.set_id("0123456789abcdef");
  plan.set_unchanged(true);
  plan.add_missing("00ff");
  plan.set_missing_bytes(1234);
  auto& line = *plan.add_conf();
  line.set_line(3);
  line.set_before("plugins = bundled");
  line.set_after("plugins = bundled,my-plugin");
  plan.set_conf_path("/etc/kong/kong.conf");
  auto& change = *plan.add_releases();
  change.set_name("my-plugin");
  change.set_from("1.0.0");
  change.set_to("1.1.0");
  set(*plan.add_refusals());
  set(*plan.add_warnings());
  plan.set_generation_digest("aa");
  plan.set_generation(8);
}

}  // namespace

TEST_CASE("the bytes of what a controller says are what they always were") {
  wire::ToAgent message;
  auto& hello = *message.mutable_hello();
  hello.set_protocol(1);
  hello.add_features("x");
  hello.set_controller("ops@deploy-1");
  hello.set_rollout("rollout-1");
  hello.set_version("0.1.0");
  check_golden("hello", message);
  auto& propose = *message.mutable_propose();
  propose.add_manifests("kongfleet-manifest 1\n");
  propose.add_signatures("sig");
  propose.set_expected_digest("aa");
  check_golden("propose", message);
  message.mutable_blob()->set_data("content");
  message.mutable_blob()->set_last(true);
  check_golden("blob", message);
  auto& apply = *message.mutable_apply();
  apply.set_transaction("rollout-1/edge-01");
  apply.set_plan("0123456789abcdef");
  set(*apply.add_probes());
  apply.set_deadline_ms(300000);
  apply.set_confirm_timeout_ms(600000);
  check_golden("apply", message);
  message.mutable_confirm()->set_transaction("t");
  check_golden("confirm", message);
  message.mutable_revert()->set_transaction("t");
  message.mutable_revert()->set_reason("r");
  check_golden("revert", message);
  message.mutable_renew()->set_transaction("t");
  message.mutable_renew()->set_confirm_timeout_ms(5);
  check_golden("renew", message);
  message.mutable_status();
  check_golden("status-request", message);
  message.mutable_history()->set_limit(5);
  check_golden("history-request", message);
  auto& rollback = *message.mutable_rollback();
  rollback.set_transaction("t");
  rollback.set_to(0);
  set(*rollback.add_probes());
  rollback.set_deadline_ms(1);
  check_golden("rollback", message);
  message.mutable_collect();
  check_golden("collect", message);
  message.mutable_checkup()->add_plugins("my-plugin");
  check_golden("checkup-request", message);
}

TEST_CASE("the bytes of what an agent answers are what they always were") {
  wire::ToController message;
  auto& welcome = *message.mutable_welcome();
  welcome.set_protocol(1);
  welcome.add_features("x");
  welcome.set_agent_version("0.1.0");
  set(*welcome.mutable_host());
  check_golden("welcome", message);
  welcome.set_identity("boot/1:2");
  check_golden("welcome-identity", message);
  set(*message.mutable_plan());
  check_golden("plan", message);
  message.mutable_plan()->set_poison("syntax");
  check_golden("plan-poison", message);
  message.mutable_progress()->set_step("reload");
  message.mutable_progress()->set_text("x");
  message.mutable_progress()->set_at_ms(12);
  check_golden("progress", message);
  set(*message.mutable_outcome());
  check_golden("outcome", message);
  set(*message.mutable_status()->mutable_host());
  check_golden("status", message);
  message.mutable_status()->mutable_host()->set_draining(2);
  check_golden("status-draining", message);
  message.mutable_history()->add_lines("{}");
  check_golden("history", message);
  message.mutable_collected()->add_generations(3);
  message.mutable_collected()->set_bytes(100);
  check_golden("collected", message);
  message.mutable_refused()->set_code("busy");
  message.mutable_refused()->set_text("held");
  set(*message.mutable_refused()->mutable_holder());
  check_golden("refused", message);
  auto& check = *message.mutable_checkup()->add_checks();
  check.set_name("drift");
  check.set_verdict(wire::Check::WRONG);
  check.set_text("files: x");
  check.set_why("the host is not as it was left");
  check.set_remedy("kongfleet sync HOST");
  check.set_remedy_kind(wire::Check::CONTROLLER);
  message.mutable_checkup()->set_asked_ms(1'764'000'000'000);
  message.mutable_checkup()->set_answered_ms(1'764'000'000'123);
  check_golden("checkup", message);
}
