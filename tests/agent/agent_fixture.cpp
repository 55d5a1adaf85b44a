// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent_fixture.hpp"

#include "agent/content_receiver.hpp"
#include "agent/durable_file.hpp"
#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <stdlib.h>

#include <fstream>
#include <sstream>

namespace kongfleet::agent {

namespace {

std::string handler(const std::string& version) {
  return "return { PRIORITY = 1000, VERSION = '" + version + "' }\n";
}

const std::string schema = "return { name = 'my-plugin', fields = {} }\n";

}  // namespace

TempDir::TempDir() {
  std::string name = (fs::temp_directory_path() / "kongfleet-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

GatewayFacts FakeGateway::inspect() {
  if (!inspect_problem.empty()) throw Error(inspect_problem);
  const std::lock_guard lock(facts_mutex_);
  auto seen = facts;
  if (looks_until_running > 0) {
    --looks_until_running;
    seen.running = false;
  }
  if (looks_until_gone > 0 && --looks_until_gone == 0) facts.running = facts.stopping = false;
  return seen;
}

PreflightReport FakeGateway::preflight(const GatewayFacts&, const fs::path& candidate,
                                       const fs::path&, std::chrono::steady_clock::time_point) {
  if (!fs::exists(candidate)) throw std::logic_error("a preflight of nothing");
  calls.push_back("preflight");
  if (on_preflight) on_preflight();
  return {findings, versions};
}

std::string FakeGateway::make_known(ConfigurationKind kind, std::chrono::steady_clock::time_point) {
  if (kind == ConfigurationKind::KongConf) return "";
  calls.push_back(std::string("make known ") + kind_name(kind));
  return make_known_problem;
}

std::string FakeGateway::reload(const GatewayFacts&, std::chrono::steady_clock::time_point) {
  calls.push_back("reload");
  if (on_reload) on_reload();
  return reload_problem;
}

Verdict FakeGateway::verify(const GatewayFacts&, const Snapshot&, const Expectation& expected) {
  calls.push_back("verify");
  Verdict verdict;
  verdict.ok = true;
  if (on_verify) verdict = on_verify(expected);
  const std::lock_guard lock(facts_mutex_);
  if (verdict.ok) facts.effective_path = expected.lua_package_path;
  return verdict;
}

void FakeGateway::reject_once(const std::string& cause) {
  on_verify = [cause, verified = 0](const Expectation&) mutable {
    Verdict verdict;
    verdict.ok = ++verified > 1;
    verdict.cause = cause;
    return verdict;
  };
}

Verdict FakeGateway::still(const GatewayFacts&, const Snapshot&, const Expectation&) {
  Verdict verdict;
  verdict.ok = still_cause.empty();
  verdict.cause = still_cause;
  verdict.error_log = error_log;
  return verdict;
}

ProbeOutcome FakeGateway::probe(const ProbeSpec& probe, std::chrono::steady_clock::time_point) {
  calls.push_back("probe " + probe.name);
  ProbeOutcome outcome;
  outcome.name = probe.name;
  outcome.ok = !on_probe || on_probe(probe);
  outcome.detail = outcome.ok ? "200" : "status 500";
  if (after_probe) after_probe(outcome);
  return outcome;
}

std::vector<Finding> FakeGateway::smoke_objections(const GatewayFacts&, const ProbeSpec& probe,
                                                   std::chrono::steady_clock::time_point) {
  calls.push_back("may smoke " + probe.name);
  return objections;
}

ProbeOutcome FakeGateway::smoke(const GatewayFacts&, const ProbeSpec& probe,
                                std::chrono::steady_clock::time_point) {
  calls.push_back("smoke " + probe.name);
  ProbeOutcome outcome;
  outcome.name = probe.name;
  outcome.ok = true;
  if (on_smoke) on_smoke(outcome);
  return outcome;
}

bool FakeGateway::clear_smoke(const GatewayFacts&) noexcept {
  if (on_clear && litter > 0) on_clear();
  if (litter == 0) return true;
  calls.push_back("clear smoke");
  return --litter == 0;
}

AgentFixture::AgentFixture(const std::string& conf) {
  config.state = directory.path() / "state";
  config.conf = directory.path() / "kong.conf";
  config.reserve = 0;
  gateway.facts.version = "3.4.2";
  gateway.facts.conf = config.conf;
  gateway.facts.running = true;
  edit_conf(conf);
  fs::create_directories(config.state);
  restart();
}

AgentFixture::~AgentFixture() = default;

void AgentFixture::restart(Witness witness) {
  transactions.reset();
  transactions = std::make_unique<Transactions>(config, gateway);
  recovered = transactions->recover(witness);
}

Manifest AgentFixture::release(const std::string& version) const {
  const auto file = [](const std::string& name, const std::string& content) {
    return ManifestFile{*RelativePath::parse("kong/plugins/my-plugin/" + name), content.size(),
                        0644, sha256(content)};
  };
  return Manifest::build(*PluginName::parse("my-plugin"), *Version::parse(version),
                         {file("handler.lua", handler(version)), file("schema.lua", schema)});
}

Transactions::Reply AgentFixture::apply(const std::string& version, const std::string& transaction,
                                        std::chrono::milliseconds lease) {
  auto plan = transactions->plan({.releases = {release(version)}});
  std::unique_ptr<Incoming> incoming;
  if (!plan.missing.empty()) {
    incoming = transactions->receive("test");
    std::string contents;
    for (const auto& file : plan.missing) {
      const bool is_schema = file.digest == sha256(schema);
      contents += is_schema ? schema : handler(version);
    }
    ContentReceiver receiver(*incoming, plan.missing);
    receiver.feed(contents);
    receiver.finish();
  }
  Order order;
  order.transaction = transaction;
  order.holder = "the test";
  order.probes = probes;
  return transactions->apply(std::move(order), std::move(plan), incoming.get(), lease, {});
}

Result AgentFixture::deploy(const std::string& version) {
  const auto transaction = "deploy-" + std::to_string(++applied_);
  const auto reply = apply(version, transaction);
  if (result(reply) != Result::Trial) return result(reply);
  return result(transactions->confirm(transaction, {}));
}

Result AgentFixture::result(const Transactions::Reply& reply) const {
  if (const auto* refusal = std::get_if<Refusal>(&reply)) {
    UNSCOPED_INFO("refused: " << refusal->text);
    return Result::Unknown;
  }
  UNSCOPED_INFO("cause: " << std::get<Outcome>(reply).cause);
  return std::get<Outcome>(reply).result;
}

std::string AgentFixture::content_of(const ManifestFile& file) const {
  if (file.digest == sha256(schema)) return schema;
  for (const char* version : {"1.0.0", "1.1.0"}) {
    if (file.digest == sha256(handler(version))) return handler(version);
  }
  return "";
}

std::string AgentFixture::conf() const { return read_file(gateway.facts.managed_path()); }

void AgentFixture::edit_conf(const std::string& text) const {
  std::ofstream(gateway.facts.managed_path(), std::ios::trunc) << text;
}

std::string AgentFixture::named_version() const {
  const auto root = (config.state / "generations").string() + "/";
  const auto text = conf();
  const auto at = text.find(root);
  if (at == std::string::npos) return "";
  const auto end = text.find('/', at + root.size());
  const auto content = read_file(text.substr(at, end - at) + "/kong/plugins/my-plugin/handler.lua");
  const auto quote = content.find('\'') + 1;
  return content.substr(quote, content.find('\'', quote) - quote);
}

void AgentFixture::check_at_rest() const {
  const auto record = read_journal(config.state / "journal");
  CHECK_FALSE(record.open.has_value());
  const GenerationStore store(config.state / "generations");
  const auto id = store.find(record.committed);
  if (record.committed == 0) {
    CHECK(named_version().empty());
  } else {
    REQUIRE(id);
    CHECK(store.damage(*id).empty());
    CHECK(conf().find(store.directory(*id).string() + "/?.lua") != std::string::npos);
  }
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    const auto name = entry.path().filename().string();
    const auto managed = gateway.facts.managed_path().filename().string();
    const bool way_back = name == "." + managed + ".kongfleet-restore" && !record.earlier.empty();
    CHECK((way_back || name.find("kongfleet-") == std::string::npos));
  }
}

}  // namespace kongfleet::agent
