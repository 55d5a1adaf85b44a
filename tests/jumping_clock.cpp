// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Preloaded (ld.so(8), LD_PRELOAD), it makes the wall clock of a program jump to and fro at every
// look: an hour, a day, a year, ahead or back. CLOCK_MONOTONIC and CLOCK_BOOTTIME stay as they are,
// as when somebody sets the clock, or a virtual machine is woken (clock_getres(2)). With
// CLOCK_AHEAD in the environment it is always that many seconds ahead.
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>

namespace {

constexpr time_t hour = 3600;
constexpr time_t day = 24 * hour;
constexpr time_t jumps[] = {0, day, -hour, 365 * day, -day, hour, -365 * day};

std::atomic<std::size_t> looks;

time_t jump() {
  const char* ahead = std::getenv("CLOCK_AHEAD");
  if (ahead != nullptr) return std::atol(ahead);
  return jumps[looks++ % (sizeof jumps / sizeof jumps[0])];
}

bool is_wall_clock(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

}  // namespace

// No call of libc's own: those may come here again.
extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  if (::syscall(SYS_clock_gettime, clock, now) != 0) return -1;
  if (is_wall_clock(clock)) now->tv_sec += jump();
  return 0;
}

extern "C" int gettimeofday(timeval* now, void*) noexcept {
  timespec exact{};
  if (::clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

extern "C" time_t time(time_t* into) noexcept {
  timespec exact{};
  ::clock_gettime(CLOCK_REALTIME, &exact);
  if (into != nullptr) *into = exact.tv_sec;
  return exact.tv_sec;
}
