// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/ssh_wait.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

namespace kongfleet::controller {

/// Threads for the few calls that can only block: getaddrinfo, an ssh-agent's signature, a question
/// to the user. Each kind has its own, so that a dead name server holds up nothing else; none is
/// started before it is needed. The destructor waits for calls under way.
class SshHelpers {
public:
  asio::thread_pool& resolving() { return pool(resolving_, 8); }
  asio::thread_pool& signing() { return pool(signing_, 2); }
  asio::thread_pool& asking() { return pool(asking_, 1); }
  /// For those that ask: nobody waits for the answer any more.
  std::stop_token stopping() const { return stop_.get_token(); }
  SshHelpers() = default;
  ~SshHelpers() { stop_.request_stop(); }
  SshHelpers(const SshHelpers&) = delete;
  SshHelpers& operator=(const SshHelpers&) = delete;

private:
  static asio::thread_pool& pool(std::unique_ptr<asio::thread_pool>& pool, std::size_t threads) {
    if (!pool) pool = std::make_unique<asio::thread_pool>(threads);
    return *pool;
  }
  std::stop_source stop_;
  std::unique_ptr<asio::thread_pool> resolving_;
  std::unique_ptr<asio::thread_pool> signing_;
  std::unique_ptr<asio::thread_pool> asking_;
};

/// Runs `work` on `pool` and gives its result, or nothing when it takes longer than `limit`: then
/// it is left to end on its own, so it must own all it uses.
template <class Result>
asio::awaitable<std::optional<Result>> run_within(asio::thread_pool& pool,
                                                  std::chrono::milliseconds limit,
                                                  std::function<Result()> work) {
  struct Shared {
    explicit Shared(asio::any_io_executor executor) : gate(std::move(executor)) {}
    SshGate gate;
    std::optional<Result> result;
  };
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto shared = std::make_shared<Shared>(executor);
  asio::post(pool, [shared, executor, work = std::move(work)]() mutable {
    Result result = work();
    // The result crosses over by a post, and `shared` with it: its timer belongs to the other
    // thread.
    asio::post(executor, [shared = std::move(shared), result = std::move(result)]() mutable {
      shared->result = std::move(result);
      shared->gate.open();
    });
  });
  (void)co_await shared->gate.wait(after(limit));
  co_return std::move(shared->result);
}

/// The coroutine that `run_on` starts on the pool.
template <class Result>
asio::awaitable<Result> call_once(std::function<Result()> work) {
  co_return work();
}

/// Runs `work` on `pool` and gives its result, or what it throws, however long it takes; so it may
/// use what its caller has.
template <class Result>
asio::awaitable<Result> run_on(asio::thread_pool& pool, std::function<Result()> work) {
  co_return co_await asio::co_spawn(pool, call_once<Result>(std::move(work)), asio::use_awaitable);
}

}  // namespace kongfleet::controller
