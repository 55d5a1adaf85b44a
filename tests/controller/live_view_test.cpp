// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/live_view.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

namespace kongfleet::controller::test {
namespace {

/// A terminal of 60 columns and 10 rows, and the one who looks at it.
struct Terminal {
  int looker = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  int screen = -1;
  Terminal() {
    REQUIRE(::grantpt(looker) == 0);
    REQUIRE(::unlockpt(looker) == 0);
    screen = ::open(::ptsname(looker), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(screen >= 0);
    const winsize size{10, 60, 0, 0};
    REQUIRE(::ioctl(looker, TIOCSWINSZ, &size) == 0);
  }
  ~Terminal() {
    ::close(screen);
    ::close(looker);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// What was written and not read yet.
  std::string seen() const {
    std::string text;
    pollfd ready{looker, POLLIN, 0};
    while (::poll(&ready, 1, 0) == 1) {
      char buffer[4096];
      const auto got = ::read(looker, buffer, sizeof buffer);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
};

RunShape shape() { return {.id = "rollout-1", .hosts = {"edge-1", "edge-2"}, .wave_ends = {1, 2}}; }

}  // namespace

TEST_CASE("the picture is on the terminal when the view is gone, with the cursor below it") {
  const Terminal terminal;
  std::ostringstream told;
  {
    LiveView view(shape(), terminal.screen, told);
    view.wave(0, 2, 1);
    view.stopping("1 failed, allowed are 0");
  }
  const auto seen = terminal.seen();
  CHECK_THAT(seen, Catch::Contains("rollout-1"));
  CHECK_THAT(seen, Catch::Contains("stops: 1 failed, allowed are 0"));
  CHECK_THAT(seen, Catch::EndsWith("\n\x1b[J"));
}

TEST_CASE("a terminal that nobody reads holds nothing up") {
  const Terminal terminal;
  const int flags = ::fcntl(terminal.screen, F_GETFL);
  REQUIRE(::fcntl(terminal.screen, F_SETFL, flags | O_NONBLOCK) == 0);
  while (::write(terminal.screen, "full ", 5) > 0) {
  }
  REQUIRE(::fcntl(terminal.screen, F_SETFL, flags) == 0);
  std::ostringstream told;
  LiveView view(shape(), terminal.screen, told);
  for (std::size_t i = 0; i < 1000; ++i) view.wave(i % 2, 2, 1);
  view.stopping("it comes to its end");
}

TEST_CASE("what is said while a picture is on the terminal stands above it, whole, and stays") {
  const Terminal terminal;
  std::ostringstream told;
  {
    LiveView view(shape(), terminal.screen, told);
    told << "note: somebody was at it; " << std::flush << "it will stop" << std::endl;
    told << "and more";
  }
  told << "afterwards";
  const auto seen = terminal.seen();
  const auto note = seen.find("note: somebody was at it; it will stop\x1b[K\r");
  REQUIRE(note != std::string::npos);
  CHECK(seen.find("rollout-1", note) != std::string::npos);
  CHECK_THAT(seen, Catch::Contains("and more\x1b[K\r"));
  CHECK_THAT(seen, Catch::EndsWith("\n\x1b[J"));
  CHECK(told.str() == "afterwards");
}

}  // namespace kongfleet::controller::test
