// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/conversation.hpp"

#include "proto/message_limits.hpp"
#include "proto/names.hpp"

#include <boost/asio/awaitable.hpp>

#include <algorithm>

namespace kongfleet::controller {

namespace {

constexpr auto write_limit = std::chrono::seconds(30);
constexpr auto answer_limit =
    std::chrono::seconds(60);  // a plan, a renewal: what takes an agent milliseconds
constexpr auto renewal_limit =
    std::chrono::seconds(15);  // a look at what is in trial takes an agent 5 s at most
constexpr auto decision_limit =
    std::chrono::minutes(10);                 // a confirmation or the way back: reloads and probes
constexpr std::size_t progress_max = 10'000;  // an agent that only ever reports progress is broken
constexpr std::size_t begun_max = 200;        // of what is no conversation
constexpr int not_found_status = 127;         // the shell's "command not found" (POSIX sh)

}  // namespace

asio::awaitable<void> Conversation::say(wire::ToAgent message) {
  auto bytes = frame(message.SerializeAsString());
  co_await link_->write(std::move(bytes), write_limit);
}

// The link ended although an answer was due: what the far side said instead tells why.
std::string Conversation::why_ended() const {
  auto said = link_->remote_stderr();
  while (said.ends_with('\n')) said.pop_back();
  const auto errors = printable(said, 400);
  const auto status = link_->exit_status();
  if (!heard_ && (status == not_found_status || errors.find("not found") != std::string::npos)) {
    return "kongfleet-agent is not installed there, or not where the login's PATH or forced "
           "command looks (the host said: " +
           errors + ")";
  }
  if (!errors.empty()) return "the host said: " + errors;
  if (!heard_)
    return "the host ended the conversation before a word; is kongfleet-agent what its SSH login "
           "runs?";
  return "the agent ended the conversation";
}

// What begins with something else than a frame is most often a login that greets people.
std::optional<std::string> Conversation::next_body() {
  if (!kept_.empty()) {
    auto body = std::move(kept_.front());
    kept_.pop_front();
    return body;
  }
  try {
    return reader_.next();
  } catch (const Error&) {
    if (heard_) throw;
  }
  throw Error("the host said '" + printable(begun_, begun_max) +
              "' instead of what an agent says; is kongfleet-agent what its SSH login runs?");
}

asio::awaitable<wire::ToController> Conversation::hear(std::chrono::milliseconds limit) {
  const auto deadline =
      Clock::now() + limit;  // for the whole answer: a trickle of bytes is no answer
  while (true) {
    const auto body = next_body();
    if (body) {
      check_message_fields(*body, MessageKind::ToController);
      wire::ToController message;
      if (!message.ParseFromString(*body))
        throw Error("the agent's answer can't be read: is it an agent?");
      heard_ = true;
      if (message.has_refused()) {
        const auto& refused = message.refused();
        throw AgentRefused(refused.code(), printable(refused.text(), 1000), refused.holder().id());
      }
      co_return message;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      throw LinkError(LinkFault::Timeout, "the agent gave no answer in time");
    }
    const auto bytes = co_await link_->read(left);
    if (bytes.empty()) throw LinkError(LinkFault::Exec, why_ended());
    if (!heard_) begun_ += bytes.substr(0, begun_max - std::min(begun_max, begun_.size()));
    reader_.feed(bytes);
  }
}

asio::awaitable<wire::Welcome> Conversation::hello(std::string controller, std::string rollout,
                                                   std::optional<wire::Propose> proposal,
                                                   std::chrono::milliseconds limit) {
  wire::ToAgent greeting;
  auto& hello = *greeting.mutable_hello();
  hello.set_protocol(protocol_version);
  hello.set_controller(controller);
  hello.set_rollout(rollout);
  hello.set_version(KONGFLEET_VERSION);
  auto bytes = frame(greeting.SerializeAsString());
  if (proposal) {
    wire::ToAgent message;
    message.mutable_propose()->Swap(&*proposal);
    bytes += frame(message.SerializeAsString());
  }
  co_await link_->write(std::move(bytes), write_limit);
  const auto answer = co_await hear(limit);
  if (!answer.has_welcome()) throw Error("the agent did not answer with a Welcome");
  const auto protocol = answer.welcome().protocol();
  if (protocol < protocol_version) {
    throw Error("its agent is too old: version " + printable(answer.welcome().agent_version(), 40) +
                " speaks protocol " + std::to_string(protocol) + ", this controller needs " +
                std::to_string(protocol_version) + "; upgrade kongfleet-agent there first");
  }
  co_return answer.welcome();
}

asio::awaitable<wire::Plan> Conversation::propose(wire::Propose proposal) {
  wire::ToAgent message;
  message.mutable_propose()->Swap(&proposal);
  co_await say(std::move(message));
  co_return co_await hear_plan();
}

asio::awaitable<wire::Plan> Conversation::hear_plan() {
  const auto answer = co_await hear(answer_limit);
  if (!answer.has_plan()) throw Error("the agent did not answer with a plan");
  co_return answer.plan();
}

asio::awaitable<wire::Checkup> Conversation::check_up(wire::CheckupRequest request) {
  wire::ToAgent message;
  message.mutable_checkup()->Swap(&request);
  co_await say(std::move(message));
  const auto answer = co_await hear(answer_limit);
  if (!answer.has_checkup()) throw Error("the agent did not answer with a check-up");
  co_return answer.checkup();
}

asio::awaitable<bool> Conversation::send_content(SharedBytes compressed, Clock::time_point until,
                                                 std::function<bool()> goes_on) {
  std::size_t at = 0;
  while (at < compressed->size()) {
    if (!goes_on()) co_return false;
    if (Clock::now() >= until) {
      throw LinkError(LinkFault::Timeout,
                      "the host took " + std::to_string(at) + " of the " +
                          std::to_string(compressed->size()) +
                          " bytes that it needs before its 'deadline' was over; where its link is "
                          "that slow, roll out with a longer one");
    }
    wire::ToAgent message;
    auto& blob = *message.mutable_blob();
    blob.set_data(compressed->substr(at, blob_bytes_max));
    at += blob.data().size();
    blob.set_last(at == compressed->size());
    co_await say(std::move(message));
  }
  co_return true;
}

// What is said of another transaction says nothing of this one. A host that was stranded, or in
// trial, and is asked to go back, may answer with the transaction that it comes home from.
asio::awaitable<wire::Outcome> Conversation::hear_outcome(std::string transaction,
                                                          OnProgress on_progress,
                                                          std::chrono::milliseconds limit,
                                                          Asked asked) {
  const auto deadline = Clock::now() + limit;
  for (std::size_t heard = 0; heard < progress_max; ++heard) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    const auto answer = co_await hear(left);
    if (answer.has_outcome()) {
      const auto result = answer.outcome().result();
      // Said of the trial that is to be decided, once more: no answer to the decision.
      if (asked == Asked::Decision && result == wire::Outcome::TRIAL) continue;
      const bool comes_home =
          transaction.ends_with("/rollback") &&
          (result == wire::Outcome::ROLLED_BACK || result == wire::Outcome::STRANDED);
      if (answer.outcome().transaction() != transaction && !comes_home) {
        throw Error("the agent answered for transaction '" +
                    printable(answer.outcome().transaction(), 200) + "' instead");
      }
      co_return answer.outcome();
    }
    if (!answer.has_progress()) throw Error("the agent answered out of turn");
    if (on_progress) on_progress(answer.progress());
  }
  throw Error("the agent reports progress without end");
}

asio::awaitable<wire::Outcome> Conversation::apply(wire::Apply apply, OnProgress on_progress,
                                                   std::chrono::milliseconds limit) {
  wire::ToAgent message;
  auto transaction = apply.transaction();
  *message.mutable_apply() = std::move(apply);
  co_await say(std::move(message));
  auto outcome =
      co_await hear_outcome(std::move(transaction), std::move(on_progress), limit, Asked::Other);
  co_return outcome;
}

asio::awaitable<wire::Outcome> Conversation::confirm(std::string transaction) {
  wire::ToAgent message;
  message.mutable_confirm()->set_transaction(transaction);
  co_await say(std::move(message));
  OnProgress quiet;
  auto outcome = co_await hear_outcome(std::move(transaction), std::move(quiet), decision_limit,
                                       Asked::Decision);
  co_return outcome;
}

asio::awaitable<wire::Outcome> Conversation::revert(std::string transaction, std::string reason) {
  wire::ToAgent message;
  message.mutable_revert()->set_transaction(transaction);
  message.mutable_revert()->set_reason(reason);
  co_await say(std::move(message));
  OnProgress quiet;
  auto outcome = co_await hear_outcome(std::move(transaction), std::move(quiet), decision_limit,
                                       Asked::Decision);
  co_return outcome;
}

// An answer that came twice is none to what is asked next: a renewal's says no more than the one
// before it, and would make a host that is gone pass for one that answers.
asio::awaitable<void> Conversation::drop_old_renewals(std::string transaction) {
  try {
    const auto bytes = co_await link_->read(std::chrono::milliseconds(0));
    reader_.feed(bytes);  // at its end nothing: who waits for the answer will see that
  } catch (const LinkError& error) {
    if (error.fault() != LinkFault::Timeout) throw;  // nothing came
  }
  std::deque<std::string> others;
  while (auto body = next_body()) {
    check_message_fields(*body, MessageKind::ToController);
    wire::ToController message;
    const bool old = message.ParseFromString(*body) &&
                     message.outcome().result() == wire::Outcome::TRIAL &&
                     message.outcome().transaction() == transaction;
    if (!old) others.push_back(std::move(*body));
  }
  kept_ = std::move(others);
}

asio::awaitable<wire::Outcome> Conversation::renew(std::string transaction,
                                                   std::chrono::milliseconds confirm_timeout) {
  co_await drop_old_renewals(transaction);
  wire::ToAgent message;
  message.mutable_renew()->set_transaction(transaction);
  message.mutable_renew()->set_confirm_timeout_ms(
      static_cast<std::uint32_t>(confirm_timeout.count()));
  co_await say(std::move(message));
  OnProgress quiet;
  auto outcome =
      co_await hear_outcome(std::move(transaction), std::move(quiet), renewal_limit, Asked::Other);
  co_return outcome;
}

asio::awaitable<wire::Outcome> Conversation::rollback(wire::Rollback rollback,
                                                      OnProgress on_progress,
                                                      std::chrono::milliseconds limit) {
  wire::ToAgent message;
  auto transaction = rollback.transaction();
  *message.mutable_rollback() = std::move(rollback);
  co_await say(std::move(message));
  auto outcome =
      co_await hear_outcome(std::move(transaction), std::move(on_progress), limit, Asked::Other);
  co_return outcome;
}

}  // namespace kongfleet::controller
