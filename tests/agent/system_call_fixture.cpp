// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "system_call_fixture.hpp"

#include "agent/fd.hpp"
#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <future>
#include <thread>

namespace kongfleet::agent {

namespace {

using SystemCalls = std::vector<SystemCall>;

// From here on the calling thread's system calls of those numbers wait for whoever holds the
// descriptor that is returned (seccomp_unotify(2)). It ends with the thread.
int watch_calls(const SystemCalls& calls) {
  std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const auto& call : calls) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call.number), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw_errno("prctl");
  const auto listener =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) throw_errno("seccomp");
  return static_cast<int>(listener);
}

// What becomes of one call that was made: its errno, 0 if it goes through.
int fate_of(int number, const SystemCalls& calls, std::vector<int>& counts) {
  int error = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto& call = calls[i];
    if (call.number != number) continue;
    const auto count = ++counts[i];
    if (count != call.nth && !(call.and_later && count > call.nth)) continue;
    if (call.meanwhile) call.meanwhile();
    error = call.error;
  }
  return error;
}

// Answers until the thread is gone. How often each of the calls was made.
std::vector<int> answer_calls(const Fd& listener, const SystemCalls& calls) {
  std::vector<int> counts(calls.size());
  while (true) {
    pollfd wait{listener.get(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0) throw_errno("poll");
    if ((wait.revents & POLLIN) == 0) return counts;
    seccomp_notif asked{};
    if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) throw_errno("ask");
    seccomp_notif_resp answer{};
    answer.id = asked.id;
    answer.error = -fate_of(asked.data.nr, calls, counts);
    if (answer.error == 0) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0) throw_errno("answer");
  }
}

}  // namespace

std::string message_with(const SystemCalls& calls, const std::function<void()>& work) {
  std::promise<int> watching;
  std::string message;
  std::exception_ptr failed;  // an assertion of the test's
  std::thread worker([&] {
    try {
      watching.set_value(watch_calls(calls));
    } catch (const std::exception&) {
      watching.set_exception(std::current_exception());
      return;
    }
    try {
      work();
    } catch (const std::exception& error) {
      message = error.what();
    } catch (...) {
      failed = std::current_exception();
    }
  });
  auto listening = watching.get_future();
  listening.wait();
  std::vector<int> counts;
  try {
    const Fd listener(listening.get());
    counts = answer_calls(listener, calls);
  } catch (...) {
    worker.join();  // with nobody listening any more, its calls fail
    throw;
  }
  worker.join();
  if (failed) std::rethrow_exception(failed);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    INFO("system call " << calls[i].number);
    REQUIRE(counts[i] >= calls[i].nth);
  }
  return message;
}

std::string message_with(const SystemCall& call, const std::function<void()>& work) {
  return message_with(SystemCalls{call}, work);
}

}  // namespace kongfleet::agent
