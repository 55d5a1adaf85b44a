// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "run_fixture.hpp"

namespace kongfleet::controller {

namespace {

Fleet fleet_of(std::size_t hosts) {
  Fleet fleet;
  fleet.name = "edge";
  for (std::size_t i = 1; i <= hosts; ++i) {
    FleetHost host;
    host.name = "edge-" + std::to_string(i);
    fleet.hosts.push_back(std::move(host));
  }
  return fleet;
}

void fill(wire::Finding& finding) {
  finding.set_code("syntax");
  finding.set_plugin("my-plugin");
  finding.set_file("kong/plugins/my-plugin/handler.lua");
  finding.set_line(12);
  finding.set_text("'<eof>' expected near 'local'");
  finding.set_advice("mend it");
}

}  // namespace

asio::awaitable<std::unique_ptr<HostLink>> RunFixture::NoLinks::open(const HostAddress& host,
                                                                     const std::string&) {
  const LinkError nobody(LinkFault::Connect, "connect to '" + host.name + "': nobody is there");
  throw nobody;
  co_return nullptr;
}

RunFixture::RunFixture(std::size_t hosts)
    : fleet_(fleet_of(hosts)), contents_(releases_), parts_{links_,    fleet_,         releases_,
                                                            contents_, "ops@deploy-1", "rollout-1",
                                                            true} {
  for (const auto& host : fleet_.hosts) hosts_.push_back(std::make_unique<HostRun>(parts_, host));
}

wire::HostState full_state() {
  wire::HostState state;
  state.set_kong_version("3.4.2");
  state.set_role("traditional");
  state.set_generation(7);
  state.set_generation_digest("3fa9c1d2e4b0");
  auto& release = *state.add_releases();
  release.set_name("my-plugin");
  release.set_version("1.0.0");
  release.set_digest("00ff");
  state.add_drift("files: 'handler.lua' was edited");
  auto& open = *state.mutable_open();
  open.set_id("rollout-1/edge-1");
  open.set_holder("ops@deploy-1");
  open.set_step("trial");
  open.set_age_s(7);
  open.set_lease_left_s(593);
  open.set_generation(8);
  state.set_state("trial");
  state.set_advice("kongfleet-agent rollback");
  state.set_kong_conf("/etc/kong/kong.conf");
  state.set_unit("kong.service");
  state.add_generations(8);
  state.add_generations(7);
  state.set_draining(2);
  return state;
}

wire::Plan full_plan() {
  wire::Plan plan;
  plan.set_id("0123456789abcdef");
  plan.add_missing("00ff");
  plan.set_missing_bytes(1234);
  auto& line = *plan.add_conf();
  line.set_line(3);
  line.set_before("plugins = bundled");
  line.set_after("plugins = bundled,my-plugin");
  plan.add_conf()->set_line(4);
  plan.set_conf_path("/etc/kong/kong.conf");
  auto& change = *plan.add_releases();
  change.set_name("my-plugin");
  change.set_from("1.0.0");
  change.set_to("1.1.0");
  plan.add_releases()->set_name("other");
  fill(*plan.add_refusals());
  fill(*plan.add_warnings());
  plan.set_generation_digest("aa");
  plan.set_generation(8);
  plan.set_poison("probe 'echo': status 500");
  return plan;
}

wire::Outcome full_outcome() {
  wire::Outcome outcome;
  outcome.set_transaction("rollout-1/edge-1");
  outcome.set_result(wire::Outcome::ROLLED_BACK);
  outcome.set_cause("probe 'echo': status 500");
  auto& step = *outcome.add_steps();
  step.set_step("verify");
  step.set_ms(812);
  step.set_detail("probe 'echo'");
  fill(*outcome.add_findings());
  auto& probe = *outcome.add_probes();
  probe.set_name("echo");
  probe.set_detail("status 500");
  probe.set_tries(4);
  probe.set_ms(1500);
  outcome.set_error_log("[error] x");
  auto& worker = *outcome.add_workers();
  worker.set_pid(4711);
  worker.set_start(123456);
  worker.set_state("serving");
  worker.set_fresh(true);
  *outcome.mutable_host() = full_state();
  return outcome;
}

}  // namespace kongfleet::controller
