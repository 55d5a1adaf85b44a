// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/interpreter.hpp"

#include "proto/error.hpp"
#include "proto/message_limits.hpp"

#include <poll.h>

#include <cerrno>

namespace kongfleet::agent {

namespace {

constexpr auto peer_max = std::chrono::seconds(30);    // for taking one answer
constexpr auto daemon_max = std::chrono::seconds(30);  // for taking one command

// A transaction ends long before; if not, the daemon is not well, and it is the one to say so.
constexpr auto daemon_silence_max = std::chrono::hours(24);

/// The daemon has closed, or one of both can't be written to: nothing is left to be said to anyone.
struct Over {};

}  // namespace

Interpreter::Interpreter(Fd peer, Fd daemon)
    : peer_(std::move(peer)), daemon_(std::move(daemon), channel_bytes_max) {}

void Interpreter::run() noexcept {
  try {
    try {
      while (const auto body = next_message()) {
        interpret(*body);
      }
    } catch (const std::exception& error) {
      order(flat_broken(error.what()));
    }
  } catch (const Over&) {
    return;
  } catch (const std::exception&) {
    return;  // no memory even to say that
  }
}

// The peer is heard only when it is its turn; the daemon then has nothing to say but that it ends.
std::optional<std::string> Interpreter::next_message() {
  while (true) {
    auto body = peer_.next();
    if (body) return body;
    pollfd fds[] = {{peer_.fd(), POLLIN, 0}, {daemon_.fd(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) throw_errno("wait for the controller");
    if (fds[1].revents != 0) throw Over{};
    if (fds[0].revents != 0 && !peer_.take()) return std::nullopt;
  }
}

void Interpreter::interpret(const std::string& body) {
  try {
    check_message_fields(body, MessageKind::ToAgent);
    wire::ToAgent message;
    if (!message.ParseFromString(body)) throw Error("a message that is no message");
    if (message.body_case() == wire::ToAgent::kBlob) return content(message.blob());
    const auto command = flat(message);
    if (message.body_case() == wire::ToAgent::kPropose) content_.reset();
    order(command);
  } catch (const std::exception& error) {
    order(flat_nonsense(error.what()));
  }
}

void Interpreter::content(const wire::Blob& blob) {
  if (!content_) throw Error("content came that nobody asked for");
  content_->feed(blob.data());
  if (!blob.last()) return;
  content_->finish();
  order(flat_content_end());
}

void Interpreter::order(const std::string& command) {
  try {
    daemon_.send(command, daemon_max);
    while (const auto body = daemon_.receive(daemon_silence_max)) {
      const auto reply = read_reply(*body);
      if (reply.is_answer) {
        peer_.send(reply.answer, peer_max);
        continue;
      }
      if (reply.content) {
        const auto pass_on = [this](std::string_view piece) { order(flat_content(piece)); };
        content_ = std::make_unique<ZstdReader>(*reply.content, pass_on);
      }
      return;
    }
  } catch (const Error&) {
    throw Over{};
  }
  throw Over{};
}

}  // namespace kongfleet::agent
