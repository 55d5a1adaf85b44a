// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/rollout_hooks.hpp"

#include "controller/answer.hpp"
#include "controller/child_process.hpp"
#include "controller/ssh_helpers.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/json.hpp>
#include <sys/eventfd.h>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

constexpr std::size_t at_once = 16;  // hooks, each with a thread that waits for it
constexpr std::size_t output_max = std::size_t{16} << 10;
constexpr std::size_t problem_max = 2000;

std::string variable(const std::string& name, const std::string& value) {
  return "KONGFLEET_" + name + "=" + value;
}

}  // namespace

RolloutHooks::RolloutHooks(const Fleet& fleet, std::string rollout,
                           std::function<void(std::string)> tell)
    : fleet_(fleet),
      rollout_(std::move(rollout)),
      tell_(std::move(tell)),
      leaving_(::eventfd(0, EFD_CLOEXEC)),
      pool_(at_once) {
  if (!leaving_) throw_errno("create an event for hooks");
}

RolloutHooks::~RolloutHooks() {
  leave();
  pool_.join();
}

std::string RolloutHooks::leave() {
  const auto running = running_.load();  // before: those that hear of it are soon gone
  ::eventfd_write(leaving_.get(), 1);
  std::string text;
  if (running > 0)
    text =
        counted(running, "hook") + " that still ran " + (running == 1 ? "was" : "were") + " ended";
  if (fleet_.hooks.after_rollout.empty()) return text;
  return text + (text.empty() ? "" : ", and ") + "the hook after_rollout was not run";
}

RolloutHooks::Facts RolloutHooks::facts(const std::string& hook, const HostRun* host,
                                        std::size_t wave, const std::string& result) const {
  json::object object{
      {"schema", json_schema}, {"hook", hook}, {"fleet", fleet_.name}, {"rollout", rollout_}};
  Facts facts{.hook = hook};
  facts.variables = {variable("HOOK", hook), variable("FLEET", fleet_.name),
                     variable("ROLLOUT", rollout_)};
  const auto add = [&](const std::string& name, const std::string& key, const std::string& value) {
    object[key] = value;
    facts.variables.push_back(variable(name, value));
  };
  if (hook != "after_rollout") {
    object["wave"] = wave + 1;
    facts.variables.push_back(variable("WAVE", std::to_string(wave + 1)));
  }
  if (host != nullptr) {
    const auto& reach = host->host().reach;
    add("HOST", "host", host->label());
    add("ADDRESS", "address", reach.address.empty() ? host->host().name : reach.address);
    if (!result.empty()) add("PROBLEM", "problem", printable(host->problem, problem_max));
  }
  if (!result.empty()) add("RESULT", "result", result);
  facts.json = json::serialize(object);
  return facts;
}

// Why it failed, with what it said; empty where it did not.
std::string RolloutHooks::run(const std::vector<std::string>& argv, const Facts& facts) {
  const auto named = "hook " + facts.hook + " ('" + printable(argv.front(), 200) + "')";
  const ChildLimits limits{.output_bytes = output_max,
                           .time = fleet_.hooks.timeout,
                           .excess = Excess::Drop,
                           .stop = leaving_.get()};
  const ChildSurroundings surroundings{
      .directory = fleet_.hooks.directory, .variables = facts.variables, .own_group = true};
  ++running_;
  const auto ended = [this](void*) { --running_; };
  const std::unique_ptr<void, decltype(ended)> counting(this, ended);
  try {
    const auto result = run_child(argv, facts.json + "\n", limits, surroundings);
    if (result.exit_code == 0) return "";
    auto said = result.errors + result.output;
    while (said.ends_with('\n')) said.pop_back();
    return named + " failed with exit code " + std::to_string(result.exit_code) +
           (said.empty() ? "" : ": " + printable(said, problem_max));
  } catch (const Error& error) {
    return named + ": " + error.what();
  }
}

asio::awaitable<std::string> RolloutHooks::run_aside(std::vector<std::string> argv, Facts facts) {
  std::function<std::string()> work = [this, argv, facts] { return run(argv, facts); };
  co_return co_await run_on<std::string>(pool_, std::move(work));
}

asio::awaitable<std::string> RolloutHooks::before_wave(std::size_t wave) {
  const auto executor = co_await asio::this_coro::executor;
  const auto known = waves_.find(wave);
  if (known != waves_.end()) {
    const auto one = known->second;
    boost::system::error_code cancelled;  // which is how it is told
    if (!one->done) {
      co_await one->over.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    co_return one->objection;
  }
  const auto one = std::make_shared<Wave>(executor);
  waves_.emplace(wave, one);
  auto told = facts("before_wave", nullptr, wave, "");
  auto argv = fleet_.hooks.before_wave;
  one->objection = co_await run_aside(std::move(argv), std::move(told));
  one->done = true;
  one->over.cancel();
  co_return one->objection;
}

asio::awaitable<std::string> RolloutHooks::before_host(const HostRun& host, std::size_t wave) {
  if (!fleet_.hooks.before_wave.empty()) {
    const auto objection = co_await before_wave(wave);
    if (!objection.empty()) co_return objection;
  }
  if (fleet_.hooks.before_host.empty()) co_return "";
  auto told = facts("before_host", &host, wave, "");
  auto argv = fleet_.hooks.before_host;
  const auto objection = co_await run_aside(std::move(argv), std::move(told));
  co_return objection.empty() ? "" : host.label() + ": " + objection;
}

asio::awaitable<void> RolloutHooks::after_host(const HostRun& host, std::size_t wave,
                                               HostPhase phase) {
  if (fleet_.hooks.after_host.empty()) co_return;
  auto told = facts("after_host", &host, wave, std::string(phase_name(phase)));
  auto argv = fleet_.hooks.after_host;
  const auto failure = co_await run_aside(std::move(argv), std::move(told));
  if (!failure.empty()) tell_(host.label() + ": " + failure);
}

void RolloutHooks::after_rollout(const RunEnd& end) {
  if (fleet_.hooks.after_rollout.empty()) return;
  auto told = facts("after_rollout", nullptr, 0, end.exit_code == 0 ? "done" : "failed");
  told.variables.push_back(variable("EXIT", std::to_string(end.exit_code)));
  auto object = json::parse(told.json).as_object();
  object["exit"] = end.exit_code;
  auto& hosts = object["hosts"].emplace_array();
  for (const auto& [host, phase] : end.hosts) {
    hosts.push_back(json::object{{"host", host->label()}, {"phase", phase_name(phase)}});
  }
  told.json = json::serialize(object);
  const auto failure = run(fleet_.hooks.after_rollout, told);
  if (!failure.empty()) tell_(failure);
}

}  // namespace kongfleet::controller
