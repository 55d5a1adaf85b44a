// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/checkup_view.hpp"
#include "controller/conversation.hpp"
#include "controller/history_view.hpp"
#include "controller/host_run.hpp"
#include "controller/json_view.hpp"
#include "controller/plan_view.hpp"
#include "controller/report.hpp"
#include "controller/status_view.hpp"
#include "controller/text_view.hpp"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include <sstream>

using namespace kongfleet;
using namespace kongfleet::controller;
using namespace kongfleet::fuzz;

namespace {

/// A host that says what the input is, whatever it is asked.
class BabblingLink final : public HostLink {
public:
  explicit BabblingLink(Input input) : input_(input) {}
  asio::awaitable<void> write(std::string, std::chrono::milliseconds) override { co_return; }
  // Each answer comes after its length in two bytes.
  asio::awaitable<std::string> read(std::chrono::milliseconds) override {
    const auto length = std::size_t{input_.byte()} << 8U | input_.byte();
    const std::string body(input_.rest().substr(0, length));
    for (std::size_t i = 0; i < body.size(); ++i) input_.byte();
    co_return body.empty() ? std::string() : frame(body);
  }
  std::string remote_stderr() const override { return "\x1b[2J no\n"; }
  std::optional<int> exit_status() const override { return 1; }
  std::string host_key_fingerprint() const override { return "SHA256:x"; }
  void close() noexcept override {}

private:
  Input input_;
};

class BabblingLinks final : public HostLinks {
public:
  explicit BabblingLinks(Input input) : input_(input) {}
  asio::awaitable<std::unique_ptr<HostLink>> open(const HostAddress&, const std::string&) override {
    if (++opened_ > 3) throw LinkError(LinkFault::Connect, "no more");
    std::unique_ptr<HostLink> link = std::make_unique<BabblingLink>(input_);
    co_return link;
  }

private:
  Input input_;
  int opened_ = 0;
};

void show(const std::vector<std::unique_ptr<HostRun>>& hosts, HostPhase phase) {
  std::ostringstream out;
  print_plan(out, hosts);
  print_objections(out, hosts);
  print_status(out, hosts);
  print_plan_json(out, hosts, {});
  print_status_json(out, hosts);
  print_checkups(out, hosts);
  out << boost::json::serialize(checkups_json(hosts));
  for (const auto& row : status_rows(hosts, Window{})) out << row << "\n";
  RunEnd end;
  end.kind = "rollout";
  end.hosts.emplace_back(hosts.front().get(), phase);
  print_end(out, end);
  print_end_json(out, end);
  TextView text(out);
  text.phase(*hosts.front(), phase);
  JsonView json(out);
  json.phase(*hosts.front(), phase);
  RememberedRollout rollout;
  rollout.id = "rollout-1";
  auto& host = rollout.hosts.emplace_back();
  host.label = "edge-1";
  host.phase = phase;
  host.cause = hosts.front()->problem;
  host.outcome = hosts.front()->outcome;
  print_rollout(out, rollout, "");
  print_rollout_json(out, rollout, {}, "");
  out << report_page(rollout, {}, "ended");
  require(harmless(out.str()), "what is shown of a host is harmless");
}

asio::awaitable<void> converse(HostRun& host, HostPhase& phase, std::ostringstream& said) {
  TextView text(said);
  JsonView json(said);
  const bool planned = co_await host.make_plan();
  if (!planned) {
    co_await host.check_up();
    co_return;
  }
  Conversation::OnProgress on_progress = [&](const wire::Progress& progress) {
    text.step(host, progress);
    json.step(host, progress);
  };
  HostRun::MayBegin may = [] { return true; };
  phase = co_await host.start(on_progress, may);
  HostRun::Unheard unheard;
  if (phase == HostPhase::Trial) phase = co_await host.renew(unheard);
  if (phase == HostPhase::Trial) phase = co_await host.confirm(may);
  co_await host.check_up();
}

}  // namespace

// What any agent answers, in whatever order: the controller comes to an end with that host, and
// whatever it shows of it is text.
int kongfleet_fuzz_to_controller(const std::uint8_t* data, std::size_t size) {
  Fleet fleet;
  fleet.name = "edge";
  fleet.hosts.emplace_back().name = "edge-1";
  const std::vector<Release> releases;
  ContentPack contents(releases);
  BabblingLinks links(Input(data, size));
  RunParts parts{links, fleet, releases, contents, "ops@deploy-1", "rollout-1", true};
  std::vector<std::unique_ptr<HostRun>> hosts;
  hosts.push_back(std::make_unique<HostRun>(parts, fleet.hosts.front()));
  asio::io_context loop;
  auto phase = HostPhase::Waiting;
  std::ostringstream said;
  bool over = false;
  asio::co_spawn(loop, converse(*hosts.front(), phase, said), [&](std::exception_ptr error) {
    require(!error, "no coroutine of a host throws");
    over = true;
  });
  loop.run_for(std::chrono::seconds(20));
  require(over, "a conversation ends");
  require(harmless(said.str()), "what is told of a host is harmless");
  show(hosts, phase);
  return 0;
}
