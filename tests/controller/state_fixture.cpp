// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "state_fixture.hpp"

namespace kongfleet::controller {

StateFixture::StateFixture() {
  fleet_.name = "edge";
  fleet_.state = location();
}

RememberedRollout begun(const std::string& id, std::size_t hosts) {
  RememberedRollout rollout;
  rollout.id = id;
  rollout.kind = "rollout";
  rollout.who = "ops@deploy-1";
  rollout.started_ms = wall_clock_ms();
  rollout.selection = "edge !host-9";
  rollout.plan = "{}";
  for (std::size_t i = 1; i <= hosts; ++i) {
    RememberedHost host;
    host.label = "host-" + std::to_string(i);
    rollout.hosts.push_back(host);
  }
  return rollout;
}

Release plugin_release(const std::string& version, const std::string& body) {
  auto tree = good_tree("my-plugin");
  tree.files.push_back({"mylib/body.lua", 0644, body});
  return make_release(*PluginName::parse("my-plugin"), *Version::parse(version), std::move(tree));
}

wire::Outcome strange_outcome() {
  wire::Outcome outcome;
  outcome.set_result(wire::Outcome::ROLLED_BACK);
  outcome.set_cause("status 500");
  outcome.set_error_log(std::string("a\0b\x1b[31m", 8));
  auto& step = *outcome.add_steps();
  step.set_step("verify");
  step.set_ms(1234);
  return outcome;
}

}  // namespace kongfleet::controller
