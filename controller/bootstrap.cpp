// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/bootstrap.hpp"

#include "controller/clock.hpp"
#include "controller/conversation.hpp"
#include "controller/fleet_ssh.hpp"
#include "controller/remote_command.hpp"
#include "controller/shell_text.hpp"
#include "proto/names.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace kongfleet::controller {

namespace {

constexpr auto look_patience = std::chrono::seconds(60);
constexpr auto install_patience = std::chrono::minutes(5);
constexpr std::size_t why_max = 1000;
constexpr int call_tries = 5;
constexpr auto call_pause = std::chrono::seconds(1);
constexpr auto welcome_limit = std::chrono::seconds(60);

// The last lines tell why; before them is what went well.
std::string last_words(const std::string& errors) {
  const auto end = errors.find_last_not_of(" \r\n");
  if (end == std::string::npos) return {};
  const auto text = errors.substr(0, end + 1);
  return printable(text.substr(text.size() - std::min(text.size(), why_max)), why_max);
}

std::string ending(const RemoteResult& result) {
  const auto words = last_words(result.errors);
  const auto status = result.exit_status ? "exit status " + std::to_string(*result.exit_status)
                                         : std::string("it was cut off");
  return words.empty() ? status : words + " (" + status + ")";
}

/// The agent answers, and no installation mends what it says.
class Unfit : public Error {
  using Error::Error;
};

}  // namespace

std::string_view text_of(BootstrapResult result) {
  switch (result) {
    case BootstrapResult::Surveyed:
      return "surveyed";
    case BootstrapResult::Unchanged:
      return "unchanged";
    case BootstrapResult::Installed:
      return "installed";
    case BootstrapResult::Upgraded:
      return "upgraded";
    case BootstrapResult::Refused:
      return "refused";
    case BootstrapResult::Unreachable:
      return "unreachable";
    case BootstrapResult::Failed:
      return "failed";
    case BootstrapResult::Spared:
      return "spared";
  }
  return "";
}

HostAddress BootstrapHost::administrator() const {
  auto address = address_of(host_, fleet_.ssh);
  address.user = order_.login;
  if (!order_.identity_files.empty()) address.identity_files = order_.identity_files;
  return address;
}

void BootstrapHost::fail(BootstrapResult how, const std::string& what) {
  result = how;
  why = printable(what, why_max);
}

asio::awaitable<void> BootstrapHost::look_now() {
  RemoteCommand command;
  command.command = shell_command(survey_script(order_.key), order_.sudo);
  command.patience = look_patience;
  const auto answer = co_await run_remote(links_, administrator(), std::move(command));
  if (answer.exit_status != 0) throw Error("the survey failed: " + ending(answer));
  survey = parse_survey(answer.output);
  decide();
  if (is_ready() && has_package()) co_await look_at_installed();
}

void BootstrapHost::decide() {
  auto reason = why_unmanageable(*survey);
  if (reason.empty()) reason = order_.package.why_not(*survey);
  if (!reason.empty()) fail(BootstrapResult::Refused, reason);
}

bool BootstrapHost::has_package() const {
  return survey->installed == order_.package.digest.hex() && !survey->agent.empty();
}

std::string BootstrapHost::what_lacks() const {
  if (!survey->socket) return "nobody listens at its agent's socket";
  if (!survey->key) return "the key may not reach its agent";
  return survey->configured ? "" : "its agent has no agent.toml";
}

// What lies there may never have worked: its first greeting was the last step of an installation.
asio::awaitable<void> BootstrapHost::look_at_installed() {
  why = what_lacks();
  if (!why.empty()) co_return;
  try {
    co_await greet();
    result = BootstrapResult::Unchanged;
  } catch (const Unfit& error) {
    fail(BootstrapResult::Failed, error.what());
  } catch (const std::exception& error) {
    why = printable(std::string("its agent does not answer: ") + error.what(), why_max);
  }
}

asio::awaitable<void> BootstrapHost::look() {
  try {
    co_await look_now();
  } catch (const LinkError& error) {
    fault = error.fault();
    fail(BootstrapResult::Unreachable, error.what());
  } catch (const std::exception& error) {
    fail(BootstrapResult::Refused, error.what());
  }
}

std::string BootstrapHost::greeter() const {
  if (fleet_.ssh.user) return *fleet_.ssh.user;
  return address_of(host_, fleet_.ssh).user.value_or("");
}

std::string BootstrapHost::script() const {
  return install_script(order_.package, {.key = order_.key,
                                         .toml = agent_toml_for(*survey),
                                         .unit = survey->unit,
                                         .paths = paths_to_open(*survey),
                                         .addresses = addresses_to_open(*survey)});
}

asio::awaitable<void> BootstrapHost::install_now() {
  RemoteCommand command;
  command.command = shell_command(script(), order_.sudo);
  command.input = order_.package.bytes;
  command.patience = install_patience;
  const auto answer = co_await run_remote(links_, administrator(), std::move(command));
  if (answer.exit_status != 0) throw Error("the installation failed: " + ending(answer));
  co_await greet();
}

// Its sshd has just been told to read its configuration anew, and refuses connections for a moment.
asio::awaitable<std::unique_ptr<HostLink>> BootstrapHost::call() {
  for (int tries_left = call_tries;; --tries_left) {
    try {
      co_return co_await links_.open(address_of(host_, fleet_.ssh), host_.agent_command);
    } catch (const LinkError& error) {
      if (error.fault() != LinkFault::Connect || tries_left == 1) throw;
    }
    const auto executor = co_await asio::this_coro::executor;
    Timer pause(executor, call_pause);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> BootstrapHost::greet() {
  auto link = co_await call();
  Conversation conversation(std::move(link));
  std::optional<wire::Propose> none;
  const auto welcome =
      co_await conversation.hello("kongfleet bootstrap", "", std::move(none), welcome_limit);
  const auto& state = welcome.host();
  if (state.state() == "unmanageable") {
    throw Unfit("the agent is installed, but can't manage this host: " + state.advice());
  }
  if (state.state() == "stranded") throw Unfit("the host is stranded: " + state.advice());
  why = "kongfleet-agent " + printable(welcome.agent_version(), 100) + ", Kong " +
        printable(state.kong_version(), 100) + ", " +
        (state.unit().empty() ? "started by hand" : printable(state.unit(), 200));
}

asio::awaitable<void> BootstrapHost::install() {
  try {
    co_await install_now();
    result = survey->agent.empty() ? BootstrapResult::Installed : BootstrapResult::Upgraded;
  } catch (const std::exception& error) {
    fail(BootstrapResult::Failed, error.what());
  }
}

asio::awaitable<void> BootstrapHost::look_after() {
  try {
    co_await greet();
  } catch (const std::exception& error) {
    fail(BootstrapResult::Failed, std::string("after its wave had baked: ") + error.what());
  }
}

}  // namespace kongfleet::controller
