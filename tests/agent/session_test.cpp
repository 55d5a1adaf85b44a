// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/session.hpp"

#include "agent/interpreter.hpp"
#include "proto/kongfleet.pb.h"
#include "proto/zstd_stream.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include "agent_fixture.hpp"
#include <functional>
#include <thread>

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace std::chrono_literals;

namespace {

/// A controller at one end of a socket, an Interpreter at the other, and behind that a Session,
/// each in its own thread.
class Peer {
public:
  explicit Peer(AgentFixture& agent, Place* place = nullptr) : far_(Fd()) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    raw_ = ends[0];
    far_ = FrameSocket(Fd(ends[0]));
    int channel[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) == 0);
    interpreter_ = std::thread(
        [peer = ends[1], daemon = channel[0]] { Interpreter(Fd(peer), Fd(daemon)).run(); });
    thread_ = std::thread([&agent, place, end = channel[1]] {
      try {
        Session(Fd(end), *agent.transactions, "test", place).run();
      } catch (const std::exception&) {
        return;  // a broken conversation ends its session and nothing else
      }
    });
  }
  ~Peer() {
    far_ = FrameSocket(Fd());
    thread_.join();
    interpreter_.join();
  }
  void say(const wire::ToAgent& message) { far_.send(message.SerializeAsString(), 5s); }
  void say_raw(const std::string& bytes) {
    REQUIRE(::send(raw_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  std::optional<wire::ToController> hear() {
    auto body = far_.receive(10s);
    if (!body) return std::nullopt;
    wire::ToController message;
    REQUIRE(message.ParseFromString(*body));
    if (message.has_progress()) return hear();
    return message;
  }
  wire::ToController ask(const wire::ToAgent& message) {
    say(message);
    auto answer = hear();
    REQUIRE(answer);
    return *answer;
  }
  void greet(const std::string& rollout = "") {
    wire::ToAgent hello;
    hello.mutable_hello()->set_protocol(1);
    hello.mutable_hello()->set_controller("ops@deploy-1");
    hello.mutable_hello()->set_rollout(rollout);
    const auto answer = ask(hello);
    REQUIRE(answer.has_welcome());
    REQUIRE(answer.welcome().identity().find('/') != std::string::npos);
    REQUIRE(answer.welcome().features_size() == 2);
    REQUIRE(answer.welcome().features(0) == smoke_feature);
    REQUIRE(answer.welcome().features(1) == checkup_feature);
  }
  /// The agent has closed: nothing more comes.
  bool closed() { return !hear(); }

private:
  int raw_ = -1;
  FrameSocket far_;
  std::thread thread_;
  std::thread interpreter_;
};

wire::ToAgent proposal(const AgentFixture& agent, const std::string& version) {
  wire::ToAgent message;
  message.mutable_propose()->add_manifests(agent.release(version).text());
  return message;
}

wire::ToAgent missing_content(const AgentFixture& agent, const wire::Plan& plan,
                              const std::string& version) {
  std::string content;
  const auto release = agent.release(version);
  for (const auto& digest : plan.missing()) {
    for (const auto& file : release.files()) {
      if (file.digest.hex() == digest) content += agent.content_of(file);
    }
  }
  wire::ToAgent message;
  message.mutable_blob()->set_data(zstd_compress(content));
  message.mutable_blob()->set_last(true);
  return message;
}

std::string refusal(Peer& peer, const wire::ToAgent& message) {
  const auto answer = peer.ask(message);
  REQUIRE(answer.has_refused());
  return answer.refused().text();
}

}  // namespace

TEST_CASE("a whole conversation: hello, propose, content, apply, confirm") {
  AgentFixture agent;
  Peer peer(agent);
  peer.greet();
  const auto plan = peer.ask(proposal(agent, "1.0.0")).plan();
  CHECK(plan.missing_size() == 2);
  peer.say(missing_content(agent, plan, "1.0.0"));
  wire::ToAgent apply;
  apply.mutable_apply()->set_transaction("t");
  apply.mutable_apply()->set_plan(plan.id());
  apply.mutable_apply()->set_confirm_timeout_ms(60'000);
  CHECK(peer.ask(apply).outcome().result() == wire::Outcome::TRIAL);
  wire::ToAgent confirm;
  confirm.mutable_confirm()->set_transaction("t");
  const auto outcome = peer.ask(confirm).outcome();
  CHECK(outcome.result() == wire::Outcome::COMMITTED);
  CHECK(outcome.host().releases(0).version() == "1.0.0");
  CHECK(agent.named_version() == "1.0.0");
}

TEST_CASE("a conversation that is quiet makes room for others, unless it looks after a trial") {
  AgentFixture agent;
  Places places;
  const auto place = places.take(999);
  Peer peer(agent, place.get());
  peer.greet();
  const auto plan = peer.ask(proposal(agent, "1.0.0")).plan();
  peer.say(missing_content(agent, plan, "1.0.0"));
  wire::ToAgent message;
  message.mutable_apply()->set_transaction("t");
  message.mutable_apply()->set_plan(plan.id());
  message.mutable_apply()->set_confirm_timeout_ms(60'000);
  REQUIRE(peer.ask(message).outcome().result() == wire::Outcome::TRIAL);
  const auto idle = places.take(999);
  Peer quiet(agent, idle.get());
  quiet.greet();
  std::vector<std::unique_ptr<Place>> others;
  while (auto other = places.take(999)) others.push_back(std::move(other));
  const auto later = Places::Clock::now() + 1h;
  // Once its thread waits for the next word: the welcome comes before that.
  const auto patience = Places::Clock::now() + 10s;
  bool room = false;
  while (!room && Places::Clock::now() < patience) room = places.take(999, later) != nullptr;
  CHECK(room);
  CHECK(quiet.closed());
  others.push_back(places.take(999, later));
  CHECK_FALSE(places.take(999, later));
  message.mutable_renew()->set_transaction("t");
  CHECK(peer.ask(message).outcome().result() == wire::Outcome::TRIAL);
}

TEST_CASE("rules of the conversation that are broken end it, with the reason, and harm nothing") {
  AgentFixture agent;
  {
    Peer peer(agent);
    CHECK(refusal(peer, proposal(agent, "1.0.0")) == "the first message was no Hello");
    CHECK(peer.closed());
  }
  const auto after_hello = [&](const wire::ToAgent& message) {
    Peer peer(agent);
    peer.greet();
    return refusal(peer, message);
  };
  wire::ToAgent message;
  message.mutable_blob()->set_data("x");
  CHECK(after_hello(message) == "content came that nobody asked for");
  message.mutable_apply()->set_transaction("t");
  CHECK(after_hello(message).find("no plan '' was made here") == 0);
  message.mutable_apply()->set_transaction("");
  CHECK(after_hello(message).find("a transaction needs a name") == 0);
  auto& probe = *message.mutable_apply()->add_probes();
  message.mutable_apply()->set_transaction("t");
  probe.set_type("command");
  CHECK(after_hello(message).find("can't be ordered by a controller") != std::string::npos);
  message.mutable_propose()->add_manifests("kongfleet-manifest 1\nname ../x\n");
  CHECK(after_hello(message).find("is not a plugin name") != std::string::npos);
  message = proposal(agent, "1.0.0");
  message.mutable_propose()->set_expected_digest("what it never ran");
  CHECK(after_hello(message) == "this host does not run what the controller believes");
  message.mutable_confirm()->set_transaction("unknown");
  CHECK(after_hello(message).find("is not open here") != std::string::npos);
  message.mutable_hello()->set_protocol(99);
  CHECK(after_hello(message).find("speaks protocol 99") != std::string::npos);
  agent.check_at_rest();
  CHECK(agent.gateway.calls.empty());
}

TEST_CASE("of two conversations of one rollout the later one gives the orders") {
  AgentFixture agent;
  Peer first(agent);
  first.greet("r");
  const auto plan = first.ask(proposal(agent, "1.0.0")).plan();
  first.say(missing_content(agent, plan, "1.0.0"));
  wire::ToAgent apply;
  apply.mutable_apply()->set_transaction("t");
  apply.mutable_apply()->set_plan(plan.id());
  Peer second(agent);
  second.greet("r");
  Peer other(agent);
  other.greet("another rollout");
  const auto code = [](Peer& peer, const wire::ToAgent& message) {
    const auto answer = peer.ask(message);
    REQUIRE(answer.has_refused());
    return answer.refused().code();
  };
  CHECK(code(first, apply) == "superseded");
  wire::ToAgent confirm, revert, renew;
  confirm.mutable_confirm()->set_transaction("t");
  revert.mutable_revert()->set_transaction("t");
  renew.mutable_renew()->set_transaction("t");
  for (const auto& message : {confirm, revert, renew}) {
    CHECK(code(first, message) == "superseded");
    CHECK(code(second, message) == "no-transaction");
    CHECK(code(other, message) == "no-transaction");
  }
}

TEST_CASE("a probe that can only fail is refused before anything changes") {
  AgentFixture agent;
  const auto refused = [&](const std::function<void(wire::Probe&)>& spoil) {
    Peer peer(agent);
    peer.greet();
    wire::ToAgent message;
    message.mutable_apply()->set_transaction("t");
    auto& probe = *message.mutable_apply()->add_probes();
    probe.set_name("echo");
    probe.set_type("http");
    probe.set_url("http://127.0.0.1:8000/");
    spoil(probe);
    const auto answer = peer.ask(message);
    REQUIRE(answer.has_refused());
    CHECK(answer.refused().code() == "bad-request");
    return answer.refused().text();
  };
  CHECK(refused([](auto& probe) {
          probe.set_url("https://x/");
        }).starts_with("probe 'echo': url 'https://x/': https is not supported"));
  CHECK(refused([](auto& probe) { probe.set_url(""); }).starts_with("probe 'echo': url ''"));
  CHECK(refused([](auto& probe) {
          probe.set_body("(a");
        }).starts_with("probe 'echo': body: pattern '(a': "));
  CHECK(refused([](auto& probe) {
          auto& rule = *probe.add_header();
          rule.set_name("X-MyPlugin");
          rule.set_pattern("*");
        }).starts_with("probe 'echo': header X-MyPlugin: pattern '*': "));
  CHECK(refused([](auto& probe) { probe.set_status(99); }) ==
        "probe 'echo': status 99 is none of HTTP's");
  CHECK(refused([](auto& probe) {
          probe.set_type("tcp");
          probe.set_address("127.0.0.1");
        }) == "probe 'echo': address '127.0.0.1' is no HOST:PORT");
  CHECK(refused([](auto& probe) {
          probe.set_type("smoke");
          probe.set_plugin("../x");
        }) == "probe 'echo': '../x' is no plugin's name");
  for (const char* config : {"[1]", "{", "1"}) {
    CHECK(refused([&](auto& probe) {
            probe.set_type("smoke");
            probe.set_plugin("my-plugin");
            probe.set_config(config);
          }) == "probe 'echo': config is no JSON object");
  }
  CHECK(refused([](auto& probe) { probe.set_config(std::string(100'000, ' ')); }) ==
        "probe 'echo': a number or pattern is out of range");
  agent.check_at_rest();
  CHECK(agent.gateway.calls.empty());
}

TEST_CASE("a way back is not refused for a probe that makes no sense") {
  AgentFixture agent;
  agent.deploy("1.0.0");
  Peer peer(agent);
  peer.greet();
  wire::ToAgent message;
  message.mutable_rollback()->set_transaction("back");
  message.mutable_rollback()->set_to(0);
  message.mutable_rollback()->add_probes()->set_type("a kind that is yet to be invented");
  auto& smoke = *message.mutable_rollback()->add_probes();
  smoke.set_type("smoke");
  smoke.set_plugin("my-plugin");
  agent.gateway.calls.clear();
  CHECK(peer.ask(message).outcome().result() == wire::Outcome::COMMITTED);
  CHECK(agent.named_version().empty());
  for (const auto& call : agent.gateway.calls) CHECK(call.find("smoke") == std::string::npos);
}

TEST_CASE("bytes that are no frames end the conversation without an answer, no messages with one") {
  AgentFixture agent;
  {
    Peer peer(agent);
    peer.greet();
    peer.say_raw(std::string("\0\0\0\3abc", 7));
    const auto answer = peer.hear();
    REQUIRE(answer);
    CHECK(answer->refused().text() == "a message that is no message");
    CHECK(peer.closed());
  }
  for (const std::string& bytes : {std::string("\xff\xff\xff\xff"), std::string(4, '\0')}) {
    Peer peer(agent);
    peer.greet();
    peer.say_raw(bytes);
    CHECK(peer.closed());
  }
  Peer peer(agent);
  peer.greet();  // the agent still answers others
}

TEST_CASE("more content than was announced is refused") {
  AgentFixture agent;
  Peer peer(agent);
  peer.greet();
  peer.ask(proposal(agent, "1.0.0"));
  wire::ToAgent blob;
  blob.mutable_blob()->set_data(zstd_compress(std::string(std::size_t{1} << 20, 'x')));
  CHECK(refusal(peer, blob).find("bytes announced") != std::string::npos);
}

TEST_CASE("a check-up is answered with all checks and the host's clock, and changes nothing") {
  AgentFixture agent;
  const auto conf = agent.conf();
  Peer peer(agent);
  peer.greet();
  wire::ToAgent question;
  question.mutable_checkup()->add_plugins("my-plugin");
  const auto answer = peer.ask(question);
  REQUIRE(answer.has_checkup());
  CHECK(answer.checkup().checks_size() >= 17);
  CHECK(answer.checkup().asked_ms() > 1'700'000'000'000);
  CHECK(answer.checkup().answered_ms() >= answer.checkup().asked_ms());
  CHECK(agent.conf() == conf);
  CHECK(agent.gateway.calls.empty());
  CHECK(peer.ask(question).has_checkup());  // and may be asked again
}

TEST_CASE("a check-up of what is no plugin, or of too many, ends the conversation") {
  AgentFixture agent;
  wire::ToAgent question;
  question.mutable_checkup()->add_plugins("../x");
  {
    Peer peer(agent);
    peer.greet();
    CHECK(refusal(peer, question) == "a plugin's name that is none");
    CHECK(peer.closed());
  }
  question.Clear();
  for (int i = 0; i < 257; ++i) question.mutable_checkup()->add_plugins("a");
  Peer peer(agent);
  peer.greet();
  CHECK(refusal(peer, question) == "too many plugins asked about");
}
