// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_processes.hpp"

#include "agent/fd.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace kongfleet::agent::test {
namespace {

namespace fs = std::filesystem;
using Care = KongProcesses::Care;

/// A /proc and a prefix of the test's own.
struct Host {
  Host() {
    std::string name = (fs::temp_directory_path() / "kfk-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root = name;
    write("k/pids/nginx.pid", "100\n");
    process(100, 1, 5000, "nginx: master process /usr/sbin/nginx -p /k -c nginx.conf");
  }
  ~Host() { fs::remove_all(root); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text;
  }
  void process(int pid, int parent, int start, const std::string& title,
               const std::string& state = "S") const {
    const std::string directory = "proc/" + std::to_string(pid) + "/";
    // The name is the program's own choice: it may look like anything.
    write(directory + "stat", std::to_string(pid) + " (a) R 1 (b) " + state + " " +
                                  std::to_string(parent) +
                                  " 1 1 0 -1 4194624 1 2 3 4 5 6 7 8 20 0 1 0 " +
                                  std::to_string(start) + " 1000 200 18446744073709551615\n");
    write(directory + "cmdline", title + std::string(7, '\0'));
  }
  KongProcesses processes() const { return {root / "k", root / "proc"}; }
  fs::path root;
};

}  // namespace

TEST_CASE("titles of nginx are read whole") {
  using namespace std::string_literals;
  CHECK(child_state_of("nginx: worker process\0\0\0"s) == ChildState::Serving);
  CHECK(child_state_of("nginx: worker process is shutting down\0"s) == ChildState::Draining);
  CHECK(child_state_of("nginx: master process nginx -p /k\0"s) == ChildState::Starting);
  CHECK(child_state_of("nginx: privileged agent process\0"s) == ChildState::Other);
  CHECK(child_state_of("nginx: cache manager process") == ChildState::Other);
  CHECK(child_state_of("nginx: worker processes") == ChildState::Other);
  CHECK(child_state_of("") == ChildState::Other);
}

TEST_CASE("the master is who the pid file names, if that is one") {
  const Host host;
  REQUIRE(host.processes().master());
  CHECK(host.processes().master()->id == ProcessId{100, 5000});
  CHECK(host.processes().master()->uid == ::geteuid());
  host.process(100, 1, 6000, "vim nginx.conf");  // the pid was used again
  CHECK_FALSE(host.processes().master());
  host.write("k/pids/nginx.pid", "101\n");
  CHECK_FALSE(host.processes().master());
  host.write("k/pids/nginx.pid", "");
  CHECK_FALSE(host.processes().master());
}

TEST_CASE("what Kong's user puts in the pid file's place is not waited for, nor believed") {
  REQUIRE(::geteuid() == 0);
  const Host host;
  const auto file = host.root / "k/pids/nginx.pid";
  fs::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0644) == 0);
  // Who reads it as a file gets as much as may be read, and doesn't wait: no test hangs.
  const Fd fifo(::open(file.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  const std::string text = "100" + std::string((std::size_t{64} << 10) - 3, '\n');
  REQUIRE(::write(fifo.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  CHECK_FALSE(host.processes().master());
  fs::remove(file);
  host.write("secret.pid", "100\n");
  fs::create_symlink(host.root / "secret.pid", file);
  CHECK(host.processes().master());
  REQUIRE(::lchown(file.c_str(), 4321, 4321) == 0);
  CHECK_FALSE(host.processes().master());
  fs::remove(file);
  host.write("k/pids/nginx.pid", "100" + std::string(100, '\n'));
  CHECK_FALSE(host.processes().master());
}

TEST_CASE("children are those of this master, with their start times") {
  const Host host;
  host.process(201, 100, 7000, "nginx: worker process");
  host.process(200, 100, 7001, "nginx: worker process is shutting down");
  host.process(202, 100, 7002, "nginx: worker process", "Z");
  host.process(300, 1, 7003, "nginx: worker process");
  const std::vector<KongChild> expected{{{200, 7001}, ChildState::Draining},
                                        {{201, 7000}, ChildState::Serving}};
  CHECK(host.processes().children({100, 5000}, Care::Thorough) == expected);
  CHECK(host.processes().children({100, 5000}, Care::Quick) == expected);
  CHECK(host.processes().children({100, 4999}, Care::Thorough).empty());
}

TEST_CASE("the kernel's own list is taken for a quick look") {
  const Host host;
  host.process(201, 100, 7000, "nginx: worker process");
  host.process(202, 100, 7000, "nginx: worker process");
  host.write("proc/100/task/100/children", "201 ");
  CHECK(host.processes().children({100, 5000}, Care::Quick).size() == 1);
  CHECK(host.processes().children({100, 5000}, Care::Thorough).size() == 2);
}

TEST_CASE("a master is at work while it blocks its signals") {
  const Host host;
  const ProcessId master{100, 5000};
  CHECK_FALSE(host.processes().busy(master));  // nothing tells
  host.write("proc/100/status", "Name:\tnginx\nSigBlk:\t0000000000000000\nSigIgn:\t1\n");
  CHECK(host.processes().busy(master) == false);
  host.write("proc/100/status", "Name:\tnginx\nSigBlk:\t0000000018016a07\nSigIgn:\t0\n");
  CHECK(host.processes().busy(master) == true);
  CHECK_FALSE(host.processes().busy({100, 4999}));
}

TEST_CASE("a signal is for that process, not for who has its pid by now") {
  const Host host;
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  host.process(child, 100, 7000, "nginx: master process nginx");
  CHECK(host.processes().signal({child, 6999}, SIGHUP) == "it has ended");
  CHECK(host.processes().signal({child, 7000}, SIGUSR1) == "");
  // Of the two, HUP would have ended it: it comes first, by its number.
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGUSR1);
  CHECK(host.processes().signal({child, 7000}, SIGUSR1) != "");
}

TEST_CASE("our own process started before now, on the same clock") {
  const KongProcesses processes("/nonexistent", "/proc");
  std::ifstream stat("/proc/self/stat");
  std::string text;
  std::getline(stat, text);
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string field;
  for (int number = 3; number <= 22; ++number) rest >> field;
  const auto start = std::stoull(field);
  CHECK(processes.lives({::getpid(), start}));
  CHECK_FALSE(processes.lives({::getpid(), start + 1}));
  CHECK(start <= KongProcesses::ticks_now());
  CHECK(KongProcesses::ticks_now() - start < 100 * 3600);
}

}  // namespace kongfleet::agent::test
