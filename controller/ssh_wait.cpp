// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_wait.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

namespace kongfleet::controller {

Deadline after(std::chrono::milliseconds limit) { return std::chrono::steady_clock::now() + limit; }

void SshGate::open() {
  open_ = true;
  timer_.cancel();
}

asio::awaitable<bool> SshGate::wait(Deadline deadline) {
  boost::system::error_code error;
  if (!open_) {
    timer_.expires_at(deadline);
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error && !open_) throw boost::system::system_error(error);
  }
  co_return std::exchange(open_, false);
}

struct SshWatch::State {
  explicit State(std::shared_ptr<SshGate> the_gate)
      : gate(std::move(the_gate)), descriptor(gate->executor()) {}
  std::shared_ptr<SshGate> gate;
  asio::posix::stream_descriptor descriptor;
  bool reading = false;
  bool writing = false;
};

SshWatch::SshWatch(std::shared_ptr<SshGate> gate)
    : state_(std::make_shared<State>(std::move(gate))) {}

SshWatch::~SshWatch() { close(); }

void SshWatch::assign(SshFd fd) {
  state_->descriptor.assign(fd.get());
  (void)fd.release();
}

void SshWatch::on_readable() {
  if (std::exchange(state_->reading, true)) return;
  state_->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                [state = state_](const boost::system::error_code&) {
                                  state->reading = false;
                                  state->gate->open();
                                });
}

void SshWatch::on_writable() {
  if (std::exchange(state_->writing, true)) return;
  state_->descriptor.async_wait(asio::posix::descriptor_base::wait_write,
                                [state = state_](const boost::system::error_code&) {
                                  state->writing = false;
                                  state->gate->open();
                                });
}

int SshWatch::fd() const {
  return state_->descriptor.is_open() ? state_->descriptor.native_handle() : -1;
}

const std::shared_ptr<SshGate>& SshWatch::gate() const { return state_->gate; }

void SshWatch::close() noexcept {
  boost::system::error_code ignored;
  state_->descriptor.close(ignored);
}

}  // namespace kongfleet::controller
