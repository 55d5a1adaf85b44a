// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/agent_package.hpp"
#include "controller/fleet.hpp"
#include "controller/host_link.hpp"
#include "controller/host_survey.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// Who installs, and what.
struct BootstrapOrder {
  std::string login = "root";               // who logs in on the hosts
  bool sudo = false;                        // and becomes root by sudo(8)
  std::vector<std::string> identity_files;  // its keys; empty: as for the fleet
  std::string key;                          // of the controller, public: who may reach the agent
  AgentPackage package;
};

enum class BootstrapResult {
  Surveyed,     // not decided yet
  Unchanged,    // has this very package already, and all that belongs to it: its agent answers
  Installed,    // there was no agent
  Upgraded,     // there was one
  Refused,      // can't be managed; it was not touched
  Unreachable,  // it was not touched
  Failed,       // something went wrong after it was touched, now or the last time
  Spared,       // another host failed first
};
std::string_view text_of(BootstrapResult result);

/// One host on its way to an agent.
class BootstrapHost {
public:
  /// All must outlive it.
  BootstrapHost(const Fleet& fleet, const FleetHost& host, const BootstrapOrder& order,
                HostLinks& links)
      : fleet_(fleet), host_(host), order_(order), links_(links) {}

  /// Looks at the host; changes nothing there. What came of it is below. The agent of a host that
  /// has this very package is asked how it is: one that can't manage its host is a failure, one
  /// that does not answer is to be installed once more.
  asio::awaitable<void> look();
  /// Installs, and asks the new agent how it is, by the login that the fleet uses.
  asio::awaitable<void> install();
  /// Asks an agent that was upgraded once more, when its wave has baked.
  asio::awaitable<void> look_after();

  std::string label() const { return host_.label(); }
  bool is_ready() const { return survey && result == BootstrapResult::Surveyed; }
  /// It is ready, and has this very package already, which does not work there: `why`.
  bool is_again() const { return is_ready() && !why.empty(); }
  /// What install() runs there, for people.
  std::string script() const;
  /// Who logs in when the new agent is asked how it is (empty: as ssh_config says), and for what.
  std::string greeter() const;
  std::string greeting() const { return host_.agent_command; }

  BootstrapResult result = BootstrapResult::Surveyed;
  std::string why;  // of a refusal, failure or silence; else what the agent says of itself
  std::optional<HostSurvey> survey;
  std::optional<LinkFault> fault;  // why look() did not reach it

private:
  HostAddress administrator() const;
  asio::awaitable<void> look_now();
  asio::awaitable<void> install_now();
  asio::awaitable<void> greet();
  asio::awaitable<void> look_at_installed();
  asio::awaitable<std::unique_ptr<HostLink>> call();
  void decide();
  bool has_package() const;
  std::string what_lacks() const;
  void fail(BootstrapResult how, const std::string& what);

  const Fleet& fleet_;
  const FleetHost& host_;
  const BootstrapOrder& order_;
  HostLinks& links_;
};

}  // namespace kongfleet::controller
