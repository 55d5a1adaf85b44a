// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/checkup_view.hpp"
#include "controller/history_view.hpp"
#include "controller/host_run.hpp"
#include "controller/plan_view.hpp"
#include "controller/status_view.hpp"
#include "controller/text_view.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <sstream>

namespace kongfleet::hostile {

namespace {

using namespace controller;
using namespace std::string_literals;

/// Time that passes as an agent dawdles, so that no test has to wait.
class DawdledTime final : public ClockSource {
public:
  Steady::time_point now() override { return Steady::now() + dawdled; }
  std::int64_t wall_ms() override { return 0; }
  Steady::duration sleep(Steady::duration wait) override {
    dawdled += std::max(wait, Steady::duration::zero());
    return std::min<Steady::duration>(wait, std::chrono::milliseconds(1));
  }
  Steady::duration dawdled{0};
};

enum class Afterwards { HangsUp, Trickles, IsSilent };

/// What an agent sends, whatever it is told.
struct Script {
  std::string bytes;
  Afterwards then = Afterwards::HangsUp;
  std::string errors = "";
  std::string again = "";  // on further connections, where it is something else
  bool looked_at = false;  // it is asked for a check-up, and for nothing else
};

class ScriptedLink final : public HostLink {
public:
  ScriptedLink(Script script, DawdledTime& time) : script_(std::move(script)), time_(time) {}
  asio::awaitable<void> write(std::string, std::chrono::milliseconds) override { co_return; }
  asio::awaitable<std::string> read(std::chrono::milliseconds limit) override {
    constexpr std::size_t piece = std::size_t{64} << 10;
    auto bytes = script_.bytes.substr(0, piece);
    script_.bytes.erase(0, bytes.size());
    if (!bytes.empty() || script_.then == Afterwards::HangsUp) co_return bytes;
    if (script_.then == Afterwards::IsSilent) {
      time_.dawdled += limit;
      throw LinkError(LinkFault::Timeout, "no answer in time");
    }
    time_.dawdled += std::chrono::seconds(1);
    co_return "\0"s;
  }
  std::string remote_stderr() const override { return script_.errors; }
  std::optional<int> exit_status() const override { return std::nullopt; }
  std::string host_key_fingerprint() const override { return "SHA256:x"; }
  void close() noexcept override {}

private:
  Script script_;
  DawdledTime& time_;
};

std::string framed(const std::function<void(wire::ToController&)>& fill) {
  wire::ToController message;
  fill(message);
  return frame(message.SerializeAsString());
}

std::string welcome() {
  return framed([](auto& message) {
    message.mutable_welcome()->set_protocol(protocol_version);
    message.mutable_welcome()->mutable_host()->set_state("ready");
  });
}

std::string plan() {
  return framed([](auto& message) { message.mutable_plan()->set_id("plan-1"); });
}

std::string outcome(const std::string& transaction, wire::Outcome::Result result) {
  return framed([&](auto& message) {
    message.mutable_outcome()->set_transaction(transaction);
    message.mutable_outcome()->set_result(result);
  });
}

/// The first host's agent is the hostile one, the second's is good.
class TwoLinks final : public HostLinks {
public:
  TwoLinks(Script hostile, DawdledTime& time) : hostile_(std::move(hostile)), time_(time) {}
  asio::awaitable<std::unique_ptr<HostLink>> open(const HostAddress& host,
                                                  const std::string&) override {
    auto hostile = hostile_;
    if (host.name == "edge-1" && std::exchange(opened_, true) && !hostile.again.empty())
      hostile.bytes = hostile.again;
    Script good{.bytes = welcome() + plan() + outcome("rollout-1/edge-2", wire::Outcome::TRIAL),
                .then = Afterwards::IsSilent};
    std::unique_ptr<HostLink> link =
        std::make_unique<ScriptedLink>(host.name == "edge-1" ? hostile : good, time_);
    co_return link;
  }

private:
  Script hostile_;
  DawdledTime& time_;
  bool opened_ = false;
};

asio::awaitable<void> go(HostRun& host, HostPhase& phase) {
  const bool planned = co_await host.make_plan();
  Conversation::OnProgress quiet;
  HostRun::MayBegin may = [] { return true; };
  if (planned) phase = co_await host.start(std::move(quiet), std::move(may));
}

// All that people get to see of a host.
std::string shown(const std::vector<std::unique_ptr<HostRun>>& hosts, HostPhase phase) {
  std::ostringstream out;
  print_plan(out, hosts);
  print_objections(out, hosts);
  print_status(out, hosts);
  print_status_json(out, hosts);
  print_checkups(out, hosts);
  TextView(out).phase(*hosts.front(), phase);
  return out.str();
}

std::string run(const Script& script) {
  DawdledTime time;
  controller::Clock::source = &time;
  Fleet fleet;
  fleet.name = "edge";
  for (const char* name : {"edge-1", "edge-2"}) fleet.hosts.emplace_back().name = name;
  const std::vector<Release> releases;
  ContentPack contents(releases);
  TwoLinks links(script, time);
  RunParts parts{links, fleet, releases, contents, "ops@deploy-1", "rollout-1", true};
  std::vector<std::unique_ptr<HostRun>> hosts;
  for (const auto& host : fleet.hosts) hosts.push_back(std::make_unique<HostRun>(parts, host));
  HostPhase phases[] = {HostPhase::Waiting, HostPhase::Waiting};
  asio::io_context loop;
  int over = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const bool looks = i == 0 && script.looked_at;
    asio::co_spawn(loop, looks ? hosts[i]->check_up() : go(*hosts[i], phases[i]),
                   [&](std::exception_ptr error) { over += error ? 0 : 1; });
  }
  loop.run();
  if (over != 2) return "a coroutine threw";
  if (phases[1] != HostPhase::Trial) return "the other host was held up: " + hosts[1]->problem;
  if (phases[0] == HostPhase::Trial || phases[0] == HostPhase::Done) return "accepted";
  const auto text = shown(hosts, phases[0]);
  if (text.size() > 65536) return "too much is shown";
  const auto bad = [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), bad)) return "what is shown has escapes";
  return text;
}

LocalCase saying(const std::string& name, const std::string& wanted,
                 const std::function<Script()>& script) {
  return {"agent: " + name, "T24", wanted, [script](const fs::path&) { return run(script()); }};
}

LocalCase saying(const std::string& name, const std::string& wanted, const std::string& bytes) {
  return saying(name, wanted, [bytes] { return Script{.bytes = bytes}; });
}

LocalCases frames() {
  const std::string unread = "the agent's answer can't be read";
  return {
      saying("a frame of four gigabytes", "is kongfleet-agent what its SSH login runs",
             "\xff\xff\xff\xff"),
      saying("a frame of nothing", "is kongfleet-agent what its SSH login runs", "\0\0\0\0"s),
      saying("a login's greeting", "'Welcome to Debian!\\n'", "Welcome to Debian!\n"),
      saying("a greeting with escapes", "'\\x1b[2J\\x1b]0;x\\x07'", "\x1b[2J\x1b]0;x\a"),
      saying("a greeting of a megabyte", "is kongfleet-agent what its SSH login runs",
             std::string(1U << 20U, 'x')),
      saying("a frame too large, later on", "announced: allowed are 1 to 4194304",
             welcome() + "\x7f\xff\xff\xff"),
      saying("noise", unread, frame("\xff\xff\xff\xff\xff\xff")),
      saying("text that is not UTF-8", unread, frame("\x42\x04\x0a\x02\xff\xfe")),
      saying("four megabytes of zeros", "a message of more than 65536 fields",
             frame(std::string(frame_bytes_max, '\0'))),
      saying("an empty message", "did not answer with a Welcome", frame("\x78\x01")),
      saying("half a message", "the agent ended the conversation", welcome() + "\0\0\1\0abc"s),
      saying("nothing", "the host ended the conversation before a word", ""),
      saying("an error with escapes", "the host said: \\x1b[2J no\\x07",
             [] {
               return Script{.bytes = "", .then = Afterwards::HangsUp, .errors = "\x1b[2J no\a"};
             }),
      saying("an error of 8 KiB", "the host said: xxxx",
             [] {
               return Script{
                   .bytes = "", .then = Afterwards::HangsUp, .errors = std::string(8192, 'x')};
             }),
      saying("a trickle that never ends", "gave no answer in time",
             [] { return Script{.bytes = "\0\1\0\0"s, .then = Afterwards::Trickles}; }),
      saying("silence", "no answer in time",
             [] { return Script{.bytes = "", .then = Afterwards::IsSilent}; }),
  };
}

/// What it says when it is told to deploy, and whenever it is asked again.
LocalCase answering(const std::string& name, const std::string& wanted, const std::string& bytes) {
  return saying(name, wanted, [bytes] {
    return Script{.bytes = welcome() + plan() + bytes,
                  .then = Afterwards::HangsUp,
                  .errors = "",
                  .again = welcome() + bytes};
  });
}

/// What it says when it is asked for a check-up.
LocalCase looked_at(const std::string& name, const std::string& wanted, const std::string& bytes) {
  const auto hello = framed([](auto& message) {
    message.mutable_welcome()->set_protocol(protocol_version);
    message.mutable_welcome()->add_features(std::string(checkup_feature));
    message.mutable_welcome()->mutable_host()->set_state("ready");
  });
  return saying(name, wanted,
                [bytes = hello + bytes] { return Script{.bytes = bytes, .looked_at = true}; });
}

std::string many(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

LocalCases answers() {
  const auto after_plan = welcome() + plan();
  const auto progress = framed([](auto& message) {
    message.mutable_progress()->set_step("\x1b[2J");
    message.mutable_progress()->set_text("\x1b[2J");
  });
  return {
      answering("two million steps", "a message of more than 65536 fields",
                framed([](auto& message) {
                  for (int i = 0; i < 2'000'000; ++i) message.mutable_outcome()->add_steps();
                })),
      saying("a million generations", "a message of more than 65536 fields",
             framed([](auto& message) {
               auto& host = *message.mutable_welcome()->mutable_host();
               for (int i = 0; i < 1'000'000; ++i) host.add_generations(1);
             })),
      saying(
          "a protocol before ours", "its agent is too old: version \\x1b[2J",
          framed([](auto& message) { message.mutable_welcome()->set_agent_version("\x1b[2J"); })),
      looked_at(
          "a check-up of escapes, with commands for us", "mend: rm -r ~ HOST",
          framed([](auto& message) {
            auto& check = *message.mutable_checkup()->add_checks();
            for (auto* text : {check.mutable_name(), check.mutable_text(), check.mutable_why()})
              *text = "\x1b[2J\n";
            check.set_verdict(static_cast<wire::Check::Verdict>(99));
            check.set_remedy("rm -r ~ HOST");
            check.set_remedy_kind(wire::Check::CONTROLLER);
          })),
      looked_at("a check-up of half a million checks", "a message of more than 65536 fields",
                framed([](auto& message) {
                  for (int i = 0; i < 500'000; ++i) message.mutable_checkup()->add_checks();
                })),
      looked_at("an outcome for a check-up", "did not answer with a",
                outcome("rollout-1/edge-1", wire::Outcome::TRIAL)),
      saying("a plan for a greeting", "did not answer with a Welcome", plan()),
      saying("an outcome for a plan", "did not answer with a plan",
             welcome() + outcome("rollout-1/edge-1", wire::Outcome::TRIAL)),
      saying("a greeting for an outcome", "the agent answered out of turn", after_plan + welcome()),
      answering("another's outcome", "answered for transaction 'rollout-1/edge-2' instead",
                outcome("rollout-1/edge-2", wire::Outcome::TRIAL)),
      answering("an outcome of escapes", "answered for transaction '\\x1b[2J' instead",
                outcome("\x1b[2J", wire::Outcome::COMMITTED)),
      answering("progress without end", "progress without end", many(progress, 10'001)),
      saying("a refusal of a megabyte of escapes", "\\x1b\\x1b", framed([](auto& message) {
               message.mutable_refused()->set_text(std::string(1U << 20U, '\x1b'));
             })),
      saying("a cause of two lines", "one\\ntwo",
             after_plan + framed([](auto& message) {
               message.mutable_outcome()->set_transaction("rollout-1/edge-1");
               message.mutable_outcome()->set_result(wire::Outcome::ROLLED_BACK);
               message.mutable_outcome()->set_cause("one\ntwo");
             })),
      saying("a request for what no release has", "asks for content",
             welcome() + framed([](auto& message) {
               message.mutable_plan()->set_id("p");
               message.mutable_plan()->add_missing("../../etc/shadow");
             })),
      saying("a result that nobody knows", "edge-1",
             after_plan + outcome("rollout-1/edge-1", static_cast<wire::Outcome::Result>(99))),
  };
}

}  // namespace

LocalCases answer_cases() {
  LocalCases cases;
  for (auto* part : {frames, answers}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
