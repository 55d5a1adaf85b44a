// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/bootstrap_command.hpp"

#include "controller/amounts.hpp"
#include "controller/bootstrap.hpp"
#include "controller/durations.hpp"
#include "controller/event_loop.hpp"
#include "controller/exit_code.hpp"
#include "controller/fleet_file.hpp"
#include "controller/fleet_hold.hpp"
#include "controller/fleet_memory.hpp"
#include "controller/fleet_ssh.hpp"
#include "controller/run_answer.hpp"
#include "controller/selector.hpp"
#include "controller/shell_text.hpp"
#include "controller/ssh_links.hpp"
#include "proto/names.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

using BootstrapHosts = std::vector<std::unique_ptr<BootstrapHost>>;

constexpr auto beat_every = std::chrono::seconds(5);  // others see that we are alive

// "ssh-ed25519 AAAA… comment": the comment is left out, it tells nothing to sshd.
std::string read_public_key(const BootstrapCommand& command, const Fleet& fleet) {
  auto path = command.key;
  if (path.empty() && !fleet.ssh.identity_files.empty())
    path = fleet.ssh.identity_files.front().string() + ".pub";
  if (path.empty()) {
    throw Error("which key may reach the agents? --key FILE.pub names it, or 'identity' in [ssh]");
  }
  std::ifstream file(path);
  std::string kind;
  std::string blob;
  file >> kind >> blob;
  const bool good = !kind.empty() && kind.size() < 64 && blob.starts_with("AAAA") &&
                    blob.size() < 16384 && std::all_of(blob.begin(), blob.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
                    });
  if (!good || printable(kind) != kind || kind.find('\'') != std::string::npos) {
    throw Error("'" + printable(path.string(), 300) +
                "' is no public key; it is one line such as 'ssh-ed25519 AAAA… ops@deploy-1'");
  }
  return kind + " " + blob;
}

BootstrapOrder order_of(const BootstrapCommand& command, const Fleet& fleet) {
  BootstrapOrder order{.login = command.login,
                       .sudo = command.sudo,
                       .key = read_public_key(command, fleet),
                       .package = AgentPackage::read(command.package)};
  for (const auto& file : command.identities) order.identity_files.push_back(file.string());
  return order;
}

void look_at_all(const BootstrapHosts& hosts, EventLoop& loop) {
  for (const auto& host : hosts) asio::co_spawn(loop.io(), host->look(), rethrow);
  loop.run_again();
}

asio::awaitable<void> install_one(BootstrapHost& host, std::ostream& err) {
  err << host.label() << ": installs\n";
  co_await host.install();
  err << host.label() << ": " << text_of(host.result) << ": " << host.why << "\n";
}

std::size_t failures_of(const BootstrapHosts& hosts) {
  return static_cast<std::size_t>(std::count_if(hosts.begin(), hosts.end(), [](const auto& host) {
    return host->result == BootstrapResult::Failed;
  }));
}

void spare(const BootstrapHosts& hosts) {
  const auto failed = std::find_if(hosts.begin(), hosts.end(), [](const auto& host) {
    return host->result == BootstrapResult::Failed;
  });
  for (const auto& host : hosts) {
    if (!host->is_ready()) continue;
    host->result = BootstrapResult::Spared;
    host->why = "'" + (*failed)->label() + "' went before it and failed; it was not touched";
  }
}

using Wave = std::vector<BootstrapHost*>;

std::vector<Wave> waves_of(const BootstrapHosts& hosts, const RolloutPolicy& policy) {
  Wave ready;
  for (const auto& host : hosts)
    if (host->is_ready()) ready.push_back(host.get());
  // What was begun and does not work comes before what would be new.
  std::stable_partition(ready.begin(), ready.end(),
                        [](const auto* host) { return host->is_again(); });
  std::vector<Wave> waves;
  auto begin = ready.begin();
  for (const auto end : wave_ends(policy.waves, ready.size())) {
    const auto behind = ready.begin() + static_cast<std::ptrdiff_t>(end);
    waves.emplace_back(begin, behind);
    begin = behind;
  }
  return waves;
}

/// The fleet is ours while agents are installed: a new one takes back what was in trial.
struct Held {
  FleetMemory memory;
  FleetHold hold;
  Held(const Fleet& fleet, const Answer& answer)
      : memory(fleet, StateDatabase::Mode::Write, noting(answer)),
        hold(memory.database, fleet.name,
             this_holder(who_we_are(ssh_settings_of(fleet)), "bootstrap"),
             FleetHold::Manner::Polite) {}
};
using HeldFleet = std::unique_ptr<Held>;

// A fleet that never rolled anything out has nobody who could be disturbed.
HeldFleet hold_of(const Fleet& fleet, const Answer& answer) {
  return state_exists(fleet.state) ? std::make_unique<Held>(fleet, answer) : nullptr;
}

// To the end of what was begun. Who finds that the fleet is somebody else's begins nothing new.
void run(EventLoop& loop, const HeldFleet& held) {
  loop.io().restart();
  while (loop.io().run_for(beat_every), !loop.io().stopped()) {
    try {
      if (held) held->hold.renew();
    } catch (const Error&) {  // it is told when the next wave would begin
    }
  }
}

// Those that had an agent before: it may have something to lose.
Wave upgraded(const Wave& wave) {
  Wave upgraded;
  std::copy_if(wave.begin(), wave.end(), std::back_inserter(upgraded),
               [](const auto* host) { return host->result == BootstrapResult::Upgraded; });
  return upgraded;
}

void bake(const Wave& wave, std::chrono::milliseconds time, EventLoop& loop, const HeldFleet& held,
          std::ostream& err) {
  err << "bakes for " << text_of(time) << std::endl;
  Timer timer(loop.io(), time);
  timer.async_wait([](const boost::system::error_code&) {});
  run(loop, held);
  for (auto* host : wave) asio::co_spawn(loop.io(), host->look_after(), rethrow);
  run(loop, held);
}

// Wave by wave, as a rollout goes: what a package does harm with shows on the first, at once or
// while it bakes. It ends where more failed than may, or a whole wave did.
void install_on_all(const BootstrapHosts& hosts, const RolloutPolicy& policy, EventLoop& loop,
                    const HeldFleet& held, std::ostream& err) {
  const auto waves = waves_of(hosts, policy);
  for (std::size_t number = 0; number < waves.size(); ++number) {
    const auto& wave = waves[number];
    const auto failed_before = failures_of(hosts);
    const auto is_enough = [&] {
      const auto failed = failures_of(hosts);
      return failed > policy.max_failures || failed - failed_before == wave.size();
    };
    if (held) held->hold.renew();
    for (auto* host : wave) asio::co_spawn(loop.io(), install_one(*host, err), rethrow);
    run(loop, held);
    if (is_enough()) return spare(hosts);
    const auto new_ones = upgraded(wave);
    if (number + 1 == waves.size() || new_ones.empty()) continue;
    bake(new_ones, policy.bake, loop, held, err);
    if (is_enough()) return spare(hosts);
  }
}

std::string found(const HostSurvey& survey) {
  std::string text = survey.kong.empty() ? "no Kong" : survey.kong;
  if (!survey.conf.empty()) text += ", " + survey.conf;
  for (const auto& prefix : survey.prefixes) text += ", prefix " + prefix;
  text += survey.unit.empty() ? ", started by hand" : ", " + survey.unit;
  if (!survey.role.empty()) text += ", " + survey.role;
  if (survey.environment) text += ", configured by its environment";
  return text + "; " + (survey.agent.empty() ? "no agent" : survey.agent);
}

void print_survey(const BootstrapHosts& hosts, std::ostream& out) {
  for (const auto& host : hosts) {
    out << host->label() << ": ";
    if (host->survey) out << "found " << found(*host->survey) << "\n";
    if (host->is_again()) {
      out << "  " << host->why << "; it is installed again, before those that are new\n";
    } else if (!host->is_ready()) {
      out << (host->survey ? "  " : "") << text_of(host->result) << ": " << host->why << "\n";
    }
  }
}

std::string greeting_of(const BootstrapHost& host) {
  const auto who = host.greeter();
  return (who.empty() ? "as the user of ssh_config" : "as " + who) + ": " + host.greeting();
}

void print_waves(const std::vector<Wave>& waves, std::ostream& out) {
  for (std::size_t i = 0; i < waves.size(); ++i) {
    out << (i == 0 ? "\n" : "") << "# Wave " << i + 1 << ":";
    for (const auto* host : waves[i]) out << " " << host->label();
    out << "\n";
  }
}

void print_scripts(const BootstrapHosts& hosts, const BootstrapOrder& order, std::ostream& out) {
  out << "\n# Run on every host to look at it, as " << order.login
      << (order.sudo ? " with sudo" : "") << ":\n"
      << survey_script(order.key)
      << "# And where this package is there already, its agent is asked how it is.\n";
  for (const auto& host : hosts) {
    if (!host->is_ready()) continue;
    out << "\n# Would be run on " << host->label() << ", with the package as its input:\n"
        << host->script() << "\n# Then " << host->label() << "'s agent is asked how it is, "
        << greeting_of(*host) << "\n";
  }
}

json::object host_json(const BootstrapHost& host, bool dry_run) {
  json::object object{{"host", host.label()}, {"result", text_of(host.result)}, {"text", host.why}};
  if (dry_run && host.is_ready()) {
    object["script"] = host.script();
    object["greeting"] = {{"user", host.greeter()}, {"command", host.greeting()}};
  }
  if (!host.survey || host.survey->prefixes.empty()) return object;
  object["kong"] = host.survey->kong;
  object["conf"] = host.survey->conf;
  object["prefix"] = host.survey->prefixes.back();
  object["role"] = host.survey->role;
  object["unit"] = host.survey->unit;
  return object;
}

json::array waves_json(const std::vector<Wave>& waves) {
  json::array listed;
  for (const auto& wave : waves) {
    json::array names;
    for (const auto* host : wave) names.emplace_back(host->label());
    listed.push_back(std::move(names));
  }
  return listed;
}

/// `waves`: those that would be, where nothing was done.
void print_result(const BootstrapHosts& hosts, const BootstrapOrder& order, const Answer& answer,
                  const std::vector<Wave>* waves) {
  const bool dry_run = waves != nullptr;
  if (answer.format == OutputFormat::Text) {
    if (dry_run) return;
    for (const auto& host : hosts)
      answer.out << host->label() << "  " << text_of(host->result) << "  " << host->why << "\n";
    return;
  }
  json::array rows;
  for (const auto& host : hosts) rows.push_back(host_json(*host, dry_run));
  json::object document{
      {"schema", json_schema}, {"command", "bootstrap"}, {"dry_run", dry_run}, {"hosts", rows}};
  if (dry_run) {
    document["survey"] = survey_script(order.key);
    document["waves"] = waves_json(*waves);
  }
  answer.out << json::serialize(document) << "\n";
}

int code_of(const BootstrapHosts& hosts) {
  const bool any_touched = std::any_of(hosts.begin(), hosts.end(), [](const auto& host) {
    return host->result == BootstrapResult::Installed || host->result == BootstrapResult::Upgraded;
  });
  int code = exit_code::done;
  for (const auto& host : hosts) {
    const bool is_stranger = !any_touched && host->fault == LinkFault::HostKey;
    const bool lost =
        host->result == BootstrapResult::Failed || host->result == BootstrapResult::Unreachable;
    if (lost && !is_stranger) return exit_code::needs_person;
    if (is_stranger) code = exit_code::host_key;
    if (code == exit_code::done && host->result == BootstrapResult::Refused)
      code = exit_code::refused;
  }
  return code;
}

}  // namespace

int run_bootstrap(const GlobalOptions& global, const BootstrapCommand& command,
                  const Answer& answer) {
  const auto fleet = load_fleet(global.fleet_file);
  const auto selected = select_hosts(fleet, command.selectors);
  const auto order = order_of(command, fleet);
  EventLoop loop;
  SshLinks links(loop.io().get_executor(), ssh_settings_of(fleet));
  BootstrapHosts hosts;
  for (const auto* host : selected)
    hosts.push_back(std::make_unique<BootstrapHost>(fleet, *host, order, links));
  look_at_all(hosts, loop);
  if (failures_of(hosts) > fleet.rollout.max_failures) spare(hosts);
  const bool text = answer.format == OutputFormat::Text;
  print_survey(hosts, text && command.dry_run ? answer.out : answer.err);
  if (command.dry_run) {
    const auto waves = waves_of(hosts, fleet.rollout);
    if (text) {
      print_waves(waves, answer.out);
      print_scripts(hosts, order, answer.out);
    }
    print_result(hosts, order, answer, &waves);
    return code_of(hosts);
  }
  const auto ready =
      std::count_if(hosts.begin(), hosts.end(), [](const auto& host) { return host->is_ready(); });
  const auto question =
      "Install the agent on " + counted(static_cast<std::uint64_t>(ready), "host") + "?";
  if (ready > 0 && !agreed(question, command.yes)) {
    return touched_nothing(answer, "bootstrap");
  }
  const auto held = hold_of(fleet, answer);
  install_on_all(hosts, fleet.rollout, loop, held, answer.err);
  print_result(hosts, order, answer, nullptr);
  return code_of(hosts);
}

}  // namespace kongfleet::controller
