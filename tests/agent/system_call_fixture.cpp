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

#include <array>
#include <cerrno>
#include <cstddef>
#include <future>
#include <thread>

namespace kongfleet::agent {

namespace {

// From here on the calling thread's system calls of that number wait for whoever holds the
// descriptor that is returned (seccomp_unotify(2)). It ends with the thread.
int watch_calls(int number) {
  std::array<sock_filter, 4> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{filter.size(), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw_errno("prctl");
  const auto listener =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) throw_errno("seccomp");
  return static_cast<int>(listener);
}

// Answers until the thread is gone. How many calls there were.
int answer_calls(const Fd& listener, const SystemCall& call) {
  int count = 0;
  while (true) {
    pollfd wait{listener.get(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0) throw_errno("poll");
    if ((wait.revents & POLLIN) == 0) return count;
    seccomp_notif asked{};
    if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) throw_errno("ask");
    ++count;
    const bool meant = count == call.nth || (call.and_later && count > call.nth);
    if (meant && call.meanwhile) call.meanwhile();
    seccomp_notif_resp answer{};
    answer.id = asked.id;
    if (meant && call.error != 0) {
      answer.error = -call.error;
    } else {
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    }
    if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0) throw_errno("answer");
  }
}

}  // namespace

std::string message_with(const SystemCall& call, const std::function<void()>& work) {
  std::promise<int> watching;
  std::string message;
  std::thread worker([&] {
    try {
      watching.set_value(watch_calls(call.number));
    } catch (const std::exception&) {
      watching.set_exception(std::current_exception());
      return;
    }
    try {
      work();
    } catch (const std::exception& error) {
      message = error.what();
    }
  });
  auto listening = watching.get_future();
  listening.wait();
  int count = 0;
  try {
    const Fd listener(listening.get());
    count = answer_calls(listener, call);
  } catch (...) {
    worker.join();  // with nobody listening any more, its calls fail
    throw;
  }
  worker.join();
  INFO("system call " << call.number);
  REQUIRE(count >= call.nth);
  return message;
}

}  // namespace kongfleet::agent
