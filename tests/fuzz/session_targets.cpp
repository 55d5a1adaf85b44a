// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/interpreter.hpp"
#include "proto/kongfleet.pb.h"
#include "tests/fuzz/agent_ground.hpp"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <thread>

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace kongfleet::fuzz;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t messages_max = 64;

/// Says one message after the other to a session, and waits for what must be answered.
class Talker {
public:
  explicit Talker(Fd socket) : socket_(std::move(socket)) {}
  void say(const std::string& body) {
    wire::ToAgent message;
    const bool sound = message.ParseFromString(body);
    // No input can know the plan's name.
    if (sound && message.has_apply() && message.apply().plan() == "PLAN")
      message.mutable_apply()->set_plan(plan_);
    socket_.send(sound ? message.SerializeAsString() : body, 5s);
    while (!sound || !message.has_blob()) {
      const auto answer = socket_.receive(20s);
      if (!answer) throw Error("it hung up");
      wire::ToController heard;
      require(heard.ParseFromString(*answer), "an answer is a message");
      if (heard.has_plan()) plan_ = heard.plan().id();
      if (!heard.has_progress()) return;
    }
  }

private:
  FrameSocket socket_;
  std::string plan_;
};

/// Says one flat command after the other to the daemon, and waits until it has its turn again.
class Commander {
public:
  explicit Commander(Fd channel) : channel_(std::move(channel), channel_bytes_max) {}
  void say(std::string body) {
    may_refuse([&] {
      auto& message = read_back(body);
      if (!message.has_apply() || message.apply().plan() != "PLAN") return;
      message.mutable_apply()->set_plan(plan_);
      body = flat(message);
    });
    channel_.send(body, 5s);
    while (true) {
      const auto heard = channel_.receive(20s);
      if (!heard) throw Error("it hung up");
      const auto reply = read_reply(*heard);
      if (!reply.is_answer) return;
      wire::ToController answer;
      require(answer.ParseFromString(std::string(reply.answer)), "an answer is a message");
      if (answer.has_plan()) plan_ = answer.plan().id();
    }
  }

private:
  wire::ToAgent& read_back(const std::string& body) {
    command_ = read_command(body);
    if (command_.kind != Command::Kind::Message || command_.message.has_blob())
      return command_.message;
    std::string again;
    may_refuse([&] { again = flat(command_.message); });  // a manifest that is none
    require(again.empty() || read_command(again).message.SerializeAsString() ==
                                 command_.message.SerializeAsString(),
            "a command goes there and back");
    return command_.message;
  }

  FrameSocket channel_;
  Command command_;
  std::string plan_;
};

template <class Speaker>
void say_all(Input input, Speaker speaker) {
  for (std::size_t said = 0; said < messages_max && !input.rest().empty(); ++said) {
    const auto length = std::size_t{input.byte()} << 8U | input.byte();
    const auto body = input.rest().substr(0, length);
    if (body.empty()) return;
    for (std::size_t i = 0; i < body.size(); ++i) input.byte();
    speaker.say(std::string(body));
  }
}

}  // namespace

// A session of the real agent, and its interpreter. The input is a row of messages, each after its
// length in two bytes.
int kongfleet_fuzz_to_agent(const std::uint8_t* data, std::size_t size) {
  talk_to_session([&](Fd channel) {
    auto ends = socket_pair();
    std::thread interpreter([&] { Interpreter(std::move(ends.second), std::move(channel)).run(); });
    may_refuse([&] { say_all(Input(data, size), Talker(std::move(ends.first))); });
    interpreter.join();
  });
  return 0;
}

// The same when the interpreter itself is the peer's: what it tells the daemon is a row of flat
// commands. Each that is read is, written again, one that is read as the same.
int kongfleet_fuzz_flat_commands(const std::uint8_t* data, std::size_t size) {
  talk_to_session([&](Fd channel) {
    may_refuse([&] { say_all(Input(data, size), Commander(std::move(channel))); });
  });
  return 0;
}
