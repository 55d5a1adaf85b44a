// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_wait.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <utility>

namespace kongfleet::controller {

/// So many may be in at once; the others wait, and come in in the order they came.
class SshAdmission {
  struct State;

public:
  /// Being in. The destructor lets the next one in.
  class Place {
  public:
    Place() = default;
    explicit Place(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Place(Place&& other) noexcept = default;
    Place& operator=(Place&& other) noexcept {
      std::swap(state_, other.state_);
      return *this;
    }
    ~Place() { leave(); }
    void leave() noexcept;

  private:
    std::shared_ptr<State> state_;
  };

  SshAdmission(asio::any_io_executor executor, std::size_t places);

  asio::awaitable<Place> enter();

private:
  struct Waiter;
  struct State {
    std::size_t free;
    std::list<Waiter*> waiting;
  };
  asio::any_io_executor executor_;
  std::shared_ptr<State> state_;
};

}  // namespace kongfleet::controller
