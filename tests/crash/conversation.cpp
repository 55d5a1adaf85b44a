// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/conversation.hpp"

#include "proto/zstd_stream.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace kongfleet::crash {

namespace {

constexpr std::uint32_t verify_ms = 20'000;
constexpr std::uint32_t lease_ms = 600'000;

/// A connected socket, or -1.
int connect_to(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) throw Error("socket: its path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw_errno("make a socket");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

}  // namespace

Conversation::Conversation(const std::filesystem::path& socket, Clock::time_point deadline,
                           const std::function<bool()>& alive)
    : deadline_(deadline) {
  const auto connected = [&] {
    socket_ = connect_to(socket);
    return socket_ >= 0 || !alive();
  };
  comes_true(connected, deadline);
  if (socket_ < 0) throw Error("no agent listens at '" + socket.string() + "'");
  try {
    wire::ToAgent hello;
    hello.mutable_hello()->set_protocol(protocol_version);
    hello.mutable_hello()->set_controller("the proof");
    host_ = ask(hello).welcome().host();
  } catch (...) {
    ::close(socket_);
    throw;
  }
}

Conversation::~Conversation() { ::close(socket_); }

void Conversation::send(const wire::ToAgent& message) {
  const auto bytes = frame(message.SerializeAsString());
  for (std::size_t done = 0; done < bytes.size();) {
    const auto sent = ::send(socket_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) throw_errno("speak to the agent");
    if (sent > 0) done += static_cast<std::size_t>(sent);
  }
}

wire::ToController Conversation::receive() {
  for (;;) {
    if (const auto body = reader_.next()) {
      wire::ToController message;
      if (!message.ParseFromString(*body)) throw Error("the agent's answer can't be read");
      return message;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    pollfd event{socket_, POLLIN, 0};
    const int ready = ::poll(&event, 1, std::max(0, static_cast<int>(left.count())));
    if (ready == 0) throw Error("the agent says nothing");
    char buffer[65536];
    const auto got = ready < 0 ? -1 : ::read(socket_, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw Error("the agent is gone");
    reader_.feed({buffer, static_cast<std::size_t>(got)});
  }
}

wire::ToController Conversation::ask(const wire::ToAgent& message) {
  send(message);
  for (;;) {
    auto answer = receive();
    if (answer.has_progress()) continue;
    if (answer.has_refused()) throw RefusedError("refused: " + answer.refused().text());
    return answer;
  }
}

wire::HostState Conversation::status() {
  wire::ToAgent message;
  message.mutable_status();
  return ask(message).status().host();
}

wire::Plan Conversation::propose(const Release& release) {
  wire::ToAgent message;
  message.mutable_propose()->add_manifests(release.manifest.text());
  auto plan = ask(message).plan();
  if (plan.refusals_size() > 0) throw RefusedError("plan: " + plan.refusals(0).text());
  if (plan.missing_size() == 0) return plan;
  wire::ToAgent content;
  content.mutable_blob()->set_data(
      zstd_compress(release.missing({plan.missing().begin(), plan.missing().end()})));
  content.mutable_blob()->set_last(true);
  send(content);
  return plan;
}

wire::Outcome Conversation::apply(const wire::Plan& plan, const std::string& transaction) {
  wire::ToAgent message;
  auto& apply = *message.mutable_apply();
  apply.set_transaction(transaction);
  apply.set_plan(plan.id());
  apply.set_deadline_ms(verify_ms);
  apply.set_confirm_timeout_ms(lease_ms);
  return ask(message).outcome();
}

wire::Outcome Conversation::confirm(const std::string& transaction) {
  wire::ToAgent message;
  message.mutable_confirm()->set_transaction(transaction);
  return ask(message).outcome();
}

wire::Outcome Conversation::revert(const std::string& transaction) {
  wire::ToAgent message;
  message.mutable_revert()->set_transaction(transaction);
  message.mutable_revert()->set_reason("the proof takes it back");
  return ask(message).outcome();
}

wire::Outcome Conversation::roll_back(const std::string& transaction,
                                      std::optional<std::uint64_t> to) {
  wire::ToAgent message;
  auto& rollback = *message.mutable_rollback();
  rollback.set_transaction(transaction);
  rollback.set_deadline_ms(verify_ms);
  if (to) rollback.set_to(*to);
  return ask(message).outcome();
}

wire::Outcome deploy(Conversation& conversation, const Release& release,
                     const std::string& transaction) {
  const auto plan = conversation.propose(release);
  const auto outcome = conversation.apply(plan, transaction);
  return outcome.result() == wire::Outcome::TRIAL ? conversation.confirm(transaction) : outcome;
}

}  // namespace kongfleet::crash
