// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/lane.hpp"

#include "proto/error.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <sstream>

namespace kongfleet::crash {

namespace {

constexpr int deaths_max = 20;  // of lanes, before the rest of the jobs is given up

/// What all lanes share: the number of the next job, and a file to which each appends what its jobs
/// tell. "begin JOB 0\n" before a job, "end JOB BYTES\n" and the bytes after it.
class Ledger {
public:
  Ledger() : file_(::memfd_create("lanes", MFD_CLOEXEC)) {
    if (file_ < 0 || ::fcntl(file_, F_SETFL, O_APPEND) != 0) throw_errno("make a ledger");
    void* memory = ::mmap(nullptr, sizeof(std::atomic<std::size_t>), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw_errno("make a ledger");
    next_ = new (memory) std::atomic<std::size_t>(0);
  }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  ~Ledger() {
    ::munmap(next_, sizeof *next_);
    ::close(file_);
  }
  std::size_t take() const { return next_->fetch_add(1); }
  std::size_t taken() const { return next_->load(); }
  void write(const std::string& word, std::size_t job, const std::string& text) const {
    const auto record =
        word + " " + std::to_string(job) + " " + std::to_string(text.size()) + "\n" + text;
    if (::write(file_, record.data(), record.size()) != static_cast<ssize_t>(record.size()))
      throw_errno("write to the ledger");
  }
  std::vector<std::string> read(std::size_t jobs) const;

private:
  int file_;
  std::atomic<std::size_t>* next_;
};

std::vector<std::string> Ledger::read(std::size_t jobs) const {
  std::vector<std::string> told(jobs, "it was never done: too many lanes died");
  std::string text(static_cast<std::size_t>(::lseek(file_, 0, SEEK_END)), '\0');
  if (::pread(file_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    throw_errno("read the ledger");
  std::istringstream records(text);
  std::string word;
  std::size_t job = 0;
  std::size_t size = 0;
  while (records >> word >> job >> size) {
    records.get();
    std::string tells(size, '\0');
    records.read(tells.data(), static_cast<std::streamsize>(size));
    told.at(job) = word == "begin" ? "its lane died, or took too long" : tells;
  }
  return told;
}

void mount_or_throw(const char* type, const char* target, unsigned long flags, const char* data) {
  if (::mount("none", target, type, flags, data) != 0) throw_errno("mount", target);
}

/// Ends what a job left running, and takes the dead away: we are init here.
void clear_lane() {
  ::kill(-1, SIGKILL);
  while (::waitpid(-1, nullptr, __WALL) > 0 || errno == EINTR) {
  }
}

int work(const Ledger& ledger, const Lanes& lanes, const std::function<Job()>& prepare) {
  mount_or_throw(nullptr, "/", MS_REC | MS_PRIVATE, nullptr);
  mount_or_throw("proc", "/proc", 0, nullptr);
  mount_or_throw("tmpfs", "/run", 0, "mode=0755");
  ::umask(022);
  struct sigaction too_long {};
  too_long.sa_handler = [](int) { ::_exit(1); };  // an init is not killed by default actions
  ::sigaction(SIGALRM, &too_long, nullptr);
  std::optional<Job> job;
  for (auto number = ledger.take(); number < lanes.jobs; number = ledger.take()) {
    ::alarm(lanes.limit);
    ledger.write("begin", number, "");
    std::string told;
    try {
      if (!job) job = prepare();
      told = (*job)(number);
    } catch (const std::exception& error) {
      told = error.what();
    }
    clear_lane();
    ledger.write("end", number, told);
  }
  return 0;
}

pid_t start_lane(const Ledger& ledger, const Lanes& lanes, const std::function<Job()>& prepare) {
  const pid_t outside = ::fork();
  if (outside != 0) return outside;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int status = 1;
  try {
    if (::unshare(CLONE_NEWNS | CLONE_NEWPID) != 0) throw_errno("unshare mounts and pids");
    const pid_t inside = ::fork();
    if (inside == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::_exit(work(ledger, lanes, prepare));
    }
    ::waitpid(inside, &status, 0);
  } catch (const std::exception& error) {
    ledger.write("end", 0, std::string("the lane: ") + error.what());
  }
  ::_exit(status == 0 ? 0 : 1);
}

}  // namespace

std::filesystem::path lane_directory() { return "/run"; }

std::vector<std::string> in_lanes(const Lanes& lanes, const std::function<Job()>& prepare) {
  const Ledger ledger;
  std::vector<pid_t> running;
  const auto wanted = std::min<std::size_t>(lanes.lanes, lanes.jobs);
  while (running.size() < wanted) running.push_back(start_lane(ledger, lanes, prepare));
  for (int deaths = 0; !running.empty();) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, 0);
    if (pid < 0 && errno != EINTR) throw_errno("wait for a lane");
    const auto at = std::find(running.begin(), running.end(), pid);
    if (at == running.end()) continue;
    running.erase(at);
    if (status == 0 || ledger.taken() >= lanes.jobs || ++deaths > deaths_max) continue;
    running.push_back(start_lane(ledger, lanes, prepare));
  }
  return ledger.read(lanes.jobs);
}

}  // namespace kongfleet::crash
