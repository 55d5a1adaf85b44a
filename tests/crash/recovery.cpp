// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/recovery.hpp"

#include <algorithm>

namespace kongfleet::crash {

namespace {

using Deed = Scene::Deed;

constexpr auto limit = std::chrono::seconds(60);  // for a conversation; it takes 0.2 s

void add(Complaints& all, const Complaints& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

std::vector<std::string> confirmed(const Stage& stage, const Scene& scene, const Told& told) {
  const auto from = from_text(stage, scene);
  const auto to = to_text(stage, scene);
  const auto heard = told.outcome ? told.outcome->result() : wire::Outcome::UNKNOWN;
  if (heard == wire::Outcome::COMMITTED) return {to};
  // Stranded, a host may hold its commit for done when it comes back: the journal was not to be
  // written, and what it holds was not known.
  const bool taken_back = heard == wire::Outcome::ROLLED_BACK || heard == wire::Outcome::REFUSED;
  if (taken_back || !told.ordered) return {from};
  return {from, to};
}

namespace {

/// A rollback goes to what was confirmed before, byte for byte.
Complaints go_back(const Stage& stage, Conversation& conversation) {
  const auto& host = stage.host();
  const auto now = content_of(host.conf());
  if (now == stage.text(Start::Base)) return {};
  const auto before = stage.text(now == stage.text(Start::Two) ? Start::One : Start::Base);
  const auto outcome = conversation.roll_back("afterwards");
  if (outcome.result() != wire::Outcome::COMMITTED)
    return {"a rollback afterwards fails: " + outcome.cause()};
  return check_rest(host, {before});
}

Complaints deploy_again(const Stage& stage, Conversation& conversation) {
  const auto outcome = deploy(conversation, make_release("2.0.0"), "afterwards");
  if (outcome.result() != wire::Outcome::COMMITTED)
    return {"a deploy afterwards fails: " + outcome.cause()};
  return check_rest(stage.host(), {});
}

/// Back to rest, and the agent that holds it.
struct Recovered {
  Complaints found;
  std::unique_ptr<Agent> agent;
  std::unique_ptr<Conversation> conversation;
};

Recovered recovered(const Stage& stage, const Scene& scene, const Told& told, Recovery recovery) {
  const auto& host = stage.host();
  const auto texts = confirmed(stage, scene, told);
  Recovered now;
  if (recovery == Recovery::AtBoot) {
    host.kill_kong();
    const int status = recover(host, Clock::now() + limit);
    if (status != 0) now.found.push_back("'recover' ends with " + ending_of(status));
    for (const auto& complaint : check_rest(host, texts))
      now.found.push_back("before Kong starts: " + complaint);
  }
  if (recovery == Recovery::AtBoot || scene.deed == Deed::RecoverAtBoot) host.start_kong();
  now.agent = std::make_unique<Agent>(host);
  now.conversation = now.agent->talk(Clock::now() + limit);
  add(now.found, check_rest(host, texts));
  add(now.found, check_serving(host));
  add(now.found, check_report(host, now.conversation->host()));
  return now;
}

}  // namespace

Complaints recover_and_check(const Stage& stage, const Scene& scene, const Told& told,
                             Recovery recovery) {
  return recovered(stage, scene, told, recovery).found;
}

Complaints recover_and_go_on(const Stage& stage, const Scene& scene, const Told& told,
                             Recovery recovery) {
  const auto now = recovered(stage, scene, told, recovery);
  if (!now.found.empty()) return now.found;
  auto found = recovery == Recovery::AtBoot ? go_back(stage, *now.conversation)
                                            : deploy_again(stage, *now.conversation);
  add(found, check_serving(stage.host()));
  add(found, check_report(stage.host(), now.conversation->status()));
  return found;
}

namespace {

std::vector<unsigned> generations_on(const CrashHost& host) {
  std::vector<unsigned> kept;
  for (const auto& entry : fs::directory_iterator(host.generations())) {
    const auto name = entry.path().filename().string();
    kept.push_back(static_cast<unsigned>(std::strtoul(name.c_str(), nullptr, 10)));
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

/// A release that Kong rejected is known for that: `sync` must not try it again.
Complaints check_remembered(const CrashHost& host, const Scene& scene) {
  Agent agent(host);
  const auto plan = agent.talk(Clock::now() + limit)->propose(release_of(scene));
  return plan.poison().empty() ? Complaints{"the failure is forgotten"} : Complaints{};
}

/// What leads back lies beside kong.conf, and leads to the generation before the one it names.
Complaints check_way_back(const CrashHost& host) {
  const auto file = host.conf().parent_path() / ".kong.conf.kongfleet-restore";
  if (!fs::exists(file)) return {"what leads back does not lie beside kong.conf"};
  const auto text = content_of(file);
  const bool second = content_of(host.conf()).find("generations/000002-") != std::string::npos;
  const bool right = second ? text.find("generations/000001-") != std::string::npos
                            : text.find("/generations/") == std::string::npos;
  return right ? Complaints{} : Complaints{"what lies beside kong.conf leads elsewhere"};
}

}  // namespace

Complaints check_undisturbed(const Stage& stage, const Scene& scene, const Performance& seen,
                             Recovery recovery) {
  const auto outcome = seen.told.outcome.value_or(wire::Outcome());
  Complaints found;
  if (scene.deed != Deed::RecoverAtBoot) add(found, check_way_back(stage.host()));
  if (!seen.told.broken_off.empty()) found.push_back(seen.told.broken_off);
  if (outcome.result() != scene.end || outcome.cause().find(scene.cause) == std::string::npos)
    found.push_back("it ends with " + std::to_string(outcome.result()) + ": " + outcome.cause());
  if (generations_on(stage.host()) != scene.kept) found.push_back("other generations are kept");
  if (scene.deed == Deed::RecoverServing) add(found, check_report(stage.host(), seen.told.welcome));
  if (scene.deed == Deed::RecoverAtBoot && seen.status != 0)
    found.push_back("'recover' does not end with exit code 0");
  if (found.empty() && scene.deed == Deed::DeployBroken)
    add(found, check_remembered(stage.host(), scene));
  add(found, recover_and_go_on(stage, scene, seen.told, recovery));
  return found;
}

}  // namespace kongfleet::crash
