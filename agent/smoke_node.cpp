// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// KongNode's part that has to do with smoke tests: what they do to Kong, to this host's disk and to
// its clock.
#include "agent/durable_file.hpp"
#include "agent/kong_node.hpp"
#include "agent/log.hpp"
#include "agent/smoke_run.hpp"
#include "agent/smoke_upstream.hpp"
#include "proto/error.hpp"

#include <random>
#include <thread>

namespace kongfleet::agent {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned id_words = 4;  // of 32 bits
constexpr const char* proxy_by_default = "0.0.0.0:8000";

/// The real world of one node. `proxy` may be empty where nothing but removal is asked for.
class NodeSmokeWorld final : public SmokeWorld {
public:
  struct Node {
    std::string admin;
    std::string proxy;
    fs::path memory;  // where the tag is remembered
  };
  NodeSmokeWorld(const HttpClient& client, Node node) : client_(client), node_(std::move(node)) {}

  Time now() override { return Clock::now(); }
  void pause(std::chrono::milliseconds time) override { std::this_thread::sleep_for(time); }

  std::string fresh_id() override {
    std::random_device source;
    std::string id;
    for (unsigned i = 0; i < id_words; ++i) {
      constexpr std::string_view digits = "0123456789abcdef";
      auto word = source();
      for (int digit = 0; digit < 8; ++digit, word >>= 4U) id += digits[word & 0xfU];
    }
    return id;
  }

  HttpResult admin(const AdminCall& call, Time deadline) override {
    return ask(node_.admin + call.path, {.method = call.method, .body = call.body}, deadline);
  }

  HttpResult request(const SmokeNames& names, Time deadline) override {
    HttpQuestion question;
    question.headers = {{std::string(smoke_header), names.tag}, {"Host", names.host}};
    return ask(node_.proxy + names.path, std::move(question), deadline);
  }

  std::uint16_t upstream() override {
    if (!upstream_) upstream_.emplace();
    return upstream_->port();
  }

  std::optional<std::string> remembered() override {
    std::string tag;
    const bool there = read_file_if_there(node_.memory, tag);
    return there && tag.starts_with(smoke_tag) ? std::optional(tag) : std::nullopt;
  }
  void remember(const std::string& tag) override { replace_file(node_.memory, tag, 0600); }
  void forget() override {
    std::error_code ignored;
    fs::remove(node_.memory, ignored);  // one that stays has us look once more
  }

private:
  HttpResult ask(const std::string& where, HttpQuestion question, Time deadline) const {
    const auto url = HttpUrl::parse(where);
    if (const auto* why = std::get_if<std::string>(&url)) return {{}, "'" + where + "': " + *why};
    question.url = std::get<HttpUrl>(url);
    return client_.ask(question, deadline);
  }

  const HttpClient& client_;
  Node node_;
  std::optional<SmokeUpstream> upstream_;
};

}  // namespace

std::string KongNode::proxy_of(const GatewayFacts& facts) const {
  const KongSettings settings(facts.conf, facts.prefix, dialect_of(facts.version));
  return base_url_of(settings.value("proxy_listen").value_or(proxy_by_default)).value_or("");
}

std::vector<Finding> KongNode::smoke_objections(const GatewayFacts& facts, const ProbeSpec& probe,
                                                Time deadline) {
  SmokeGround ground{.role = facts.role, .admin = facts.admin};
  if (!facts.running) return {};  // it is refused for that, or goes back without a probe
  if (!facts.admin.empty()) ground.answer = admin_.root(facts.admin, deadline);
  ground.proxy = proxy_of(facts);
  ground.effective_plugins = facts.effective_plugins;
  const auto objection = smoke_objection(probe, ground);
  if (!objection) return {};
  return {
      {"probe", "", "", 0, "probe '" + probe.name + "': " + objection->text, objection->advice}};
}

ProbeOutcome KongNode::smoke(const GatewayFacts& facts, const ProbeSpec& probe, Time deadline) {
  NodeSmokeWorld world(http_, {facts.admin, proxy_of(facts), config_.state / "smoke"});
  return run_smoke(world, probe, deadline);
}

bool KongNode::clear_smoke(const GatewayFacts& facts) noexcept {
  try {
    NodeSmokeWorld world(http_, {facts.admin, "", config_.state / "smoke"});
    const auto tag = world.remembered();
    if (!tag) return true;
    const auto why = facts.running ? agent::clear_smoke(world) : "Kong is not running";
    if (why.empty()) {
      log_info("removed what the smoke test " + *tag + " left in Kong");
      return true;
    }
    log_warning("the smoke test " + *tag + " may have left entities in Kong, of that tag: " + why);
  } catch (const std::exception& error) {
    log_warning(std::string("what a smoke test left stays: ") + error.what());
  }
  return false;
}

}  // namespace kongfleet::agent
