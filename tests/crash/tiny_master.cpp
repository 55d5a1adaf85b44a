// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/tiny_master.hpp"

#include "tests/crash/tiny_settings.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>
#include <vector>

namespace kongfleet::crash {

namespace {

constexpr std::size_t workers = 2;  // as nginx.conf says, see tiny_kong.cpp

class Master {
public:
  Master(std::filesystem::path prefix, Title title) : prefix_(std::move(prefix)), title_(title) {}
  int run(int ready);

private:
  void log(const std::string& level, const std::string& text) const;
  bool load();
  void start_workers();
  pid_t start_worker() const;
  void reload(pid_t sender);
  void reap();

  const std::filesystem::path prefix_;
  const Title title_;
  int log_ = -1;
  std::vector<pid_t> serving_;
};

void Master::log(const std::string& level, const std::string& text) const {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y/%m/%d %H:%M:%S", &parts);
  const auto line =
      std::string(time) + " [" + level + "] " + std::to_string(::getpid()) + "#0: " + text + "\n";
  // One write a message; a full disk loses the line, as nginx does.
  [[maybe_unused]] const auto wrote = ::write(log_, line.data(), line.size());
}

// What the master reads is .kong_env, whatever the environment says (kong-live.md section 1).
bool Master::load() {
  const auto settings = with_defaults(parse_settings(read_text(prefix_ / ".kong_env")));
  const auto problem = why_not_loadable(settings, Loader::Master);
  if (!problem.empty()) {
    log("error", "init_by_lua error: " + problem);
    return false;
  }
  const auto next = prefix_ / "serving.next";
  const auto text = settings.at("lua_package_path") + "\n" + settings.at("plugins") + "\n";
  const auto serving = prefix_ / "serving";
  // Exchanged, neither file is ever given back: on a full disk there would be no other.
  const auto exchange = [&] {
    return ::renameat2(AT_FDCWD, next.c_str(), AT_FDCWD, serving.c_str(), RENAME_EXCHANGE) == 0 ||
           ::rename(next.c_str(), serving.c_str()) == 0;
  };
  if (!write_text(next, text) || !exchange()) log("alert", "can't say what is served");
  return true;
}

pid_t Master::start_worker() const {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // simpler than nginx, whose workers outlive their master
  for (const int number : {SIGQUIT, SIGTERM}) ::signal(number, [](int) { ::_exit(0); });
  std::memset(title_.begin, 0, title_.size);
  std::strncpy(title_.begin, "nginx: worker process", title_.size - 1);
  sigset_t none;
  ::sigemptyset(&none);
  for (;;) ::sigsuspend(&none);
}

void Master::start_workers() {
  log("notice", "start worker processes");
  while (serving_.size() < workers) {
    serving_.push_back(start_worker());
    log("notice", "start worker process " + std::to_string(serving_.back()));
  }
}

void Master::reload(pid_t sender) {
  log("notice", "signal 1 (SIGHUP) received from " + std::to_string(sender) + ", reconfiguring");
  log("notice", "reconfiguring");
  if (!load()) return;
  const auto old = std::exchange(serving_, {});
  start_workers();
  for (const pid_t pid : old) ::kill(pid, SIGQUIT);
}

// A worker that nobody told to go is replaced by one with the code of before.
void Master::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    const auto name = "worker process " + std::to_string(pid);
    if (WIFSIGNALED(status)) {
      log("alert", name + " exited on signal " + std::to_string(WTERMSIG(status)));
    } else {
      log("notice", name + " exited with code " + std::to_string(WEXITSTATUS(status)));
    }
    const auto at = std::find(serving_.begin(), serving_.end(), pid);
    if (at == serving_.end()) continue;
    *at = start_worker();
    log("notice", "start worker process " + std::to_string(*at));
  }
}

int Master::run(int ready) {
  log_ =
      ::open((prefix_ / "logs/error.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGHUP, SIGTERM, SIGQUIT, SIGCHLD}) ::sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const auto pid_file = prefix_ / "pids/nginx.pid";
  if (!load() || !write_text(pid_file, std::to_string(::getpid()) + "\n")) return 1;
  start_workers();
  const auto told = ::write(ready, "+", 1);
  ::close(ready);
  for (siginfo_t signal{}; told == 1;) {
    const int number = ::sigwaitinfo(&set, &signal);
    if (number == SIGHUP) reload(signal.si_pid);
    if (number == SIGCHLD) reap();
    if (number == SIGTERM || number == SIGQUIT) break;
  }
  for (const pid_t pid : serving_) ::kill(pid, SIGTERM);
  ::unlink(pid_file.c_str());
  return 0;
}

}  // namespace

int run_master(const std::filesystem::path& prefix, Title title, int ready) {
  return Master(prefix, title).run(ready);
}

}  // namespace kongfleet::crash
