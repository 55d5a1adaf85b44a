// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_admission.hpp"

namespace kongfleet::controller {

/// Stands in line while it lives. A place it was given and did not take goes to the next in line.
struct SshAdmission::Waiter {
  Waiter(const asio::any_io_executor& executor, std::shared_ptr<State> the_state)
      : gate(executor), state(std::move(the_state)) {
    state->waiting.push_back(this);
  }
  ~Waiter() { state->waiting.remove(this); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  SshGate gate;
  Place given;
  std::shared_ptr<State> state;
};

SshAdmission::SshAdmission(asio::any_io_executor executor, std::size_t places)
    : executor_(std::move(executor)), state_(std::make_shared<State>()) {
  state_->free = places;
}

void SshAdmission::Place::leave() noexcept {
  const std::shared_ptr<State> state = std::move(state_);
  state_ = nullptr;
  if (!state) return;
  if (state->waiting.empty()) {
    ++state->free;
    return;
  }
  Waiter* next = state->waiting.front();
  state->waiting.pop_front();
  next->given = Place(state);
  next->gate.open();
}

asio::awaitable<SshAdmission::Place> SshAdmission::enter() {
  if (state_->free > 0) {
    --state_->free;
    co_return Place(state_);
  }
  Waiter waiter(executor_, state_);
  (void)co_await waiter.gate.wait(Deadline::max());
  co_return std::move(waiter.given);
}

}  // namespace kongfleet::controller
