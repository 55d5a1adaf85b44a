// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_processes.hpp"

#include "agent/durable_file.hpp"
#include "agent/followed_path.hpp"
#include "proto/error.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string>
#include <system_error>

namespace kongfleet::agent {
namespace {

// A process title or a stat line is far shorter; a list of children is longer only on hosts with
// hundreds of workers.
constexpr std::size_t proc_bytes_max = std::size_t{64} << 10;

/// The content of a file of /proc, or nothing when the process is gone.
std::optional<std::string> read_proc(const fs::path& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < proc_bytes_max) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Stat {
  int parent = 0;
  char state = '?';
  std::uint64_t start = 0;
};

/// /proc/PID/stat: "PID (NAME) STATE PPID … ", start time being field 22 (proc(5)). The name may
/// hold blanks and ')'.
std::optional<Stat> stat_of(const fs::path& proc, int pid) {
  const auto text = read_proc(proc / std::to_string(pid) / "stat");
  if (!text) return std::nullopt;
  const auto name_end = text->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::string_view rest(*text);
  rest.remove_prefix(name_end + 1);
  std::array<std::string_view, 20> field;  // 3 to 22
  for (auto& part : field) {
    const auto begin = rest.find_first_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(begin);
    part = rest.substr(0, rest.find(' '));
    rest.remove_prefix(part.size());
  }
  const auto parent = number<int>(field[1]);
  const auto start = number<std::uint64_t>(field[19]);
  if (!parent || !start) return std::nullopt;
  return Stat{*parent, field[0].front(), *start};
}

/// A zombie is over: it serves nothing, it only waits for its parent.
bool over(const Stat& stat) { return stat.state == 'Z' || stat.state == 'X'; }

/// What Kong's pid file says. It lies in a directory that may be the user's Kong runs as.
std::optional<int> pid_in(const fs::path& path) {
  constexpr std::size_t bytes_max = 64;
  try {
    const auto file = followed_file(path);
    return file ? number<int>(read_file(file, path, bytes_max)) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

constexpr std::string_view master_title = "nginx: master process";

std::optional<KongChild> child_of(const fs::path& proc, int pid, int master) {
  const auto stat = stat_of(proc, pid);
  if (!stat || stat->parent != master || over(*stat)) return std::nullopt;
  const auto title = read_proc(proc / std::to_string(pid) / "cmdline");
  if (!title) return std::nullopt;
  return KongChild{{pid, stat->start}, child_state_of(*title)};
}

std::vector<int> all_pids(const fs::path& proc) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(proc.c_str()), ::closedir);
  if (!directory) throw_errno("read the process table", proc);
  std::vector<int> pids;
  while (const dirent* entry = ::readdir(directory.get())) {
    const auto pid = number<int>(entry->d_name);
    if (pid) pids.push_back(*pid);
  }
  return pids;
}

/// The kernel's own list (CONFIG_PROC_CHILDREN), or nothing where it has none.
std::optional<std::vector<int>> listed_children(const fs::path& proc, int master) {
  const auto name = std::to_string(master);
  const auto text = read_proc(proc / name / "task" / name / "children");
  if (!text) return std::nullopt;
  std::vector<int> pids;
  std::string_view rest(*text);
  while (!rest.empty()) {
    const auto word = rest.substr(0, rest.find(' '));
    const auto pid = number<int>(word);
    if (pid) pids.push_back(*pid);
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  }
  return pids;
}

}  // namespace

ChildState child_state_of(std::string_view command_line) {
  // nginx pads its title with NUL up to what argv and the environment took.
  while (!command_line.empty() && (command_line.back() == '\0' || command_line.back() == ' '))
    command_line.remove_suffix(1);
  if (command_line == "nginx: worker process") return ChildState::Serving;
  if (command_line == "nginx: worker process is shutting down") return ChildState::Draining;
  if (command_line.starts_with(master_title)) return ChildState::Starting;
  return ChildState::Other;
}

KongProcesses::KongProcesses(fs::path prefix, fs::path proc)
    : prefix_(std::move(prefix)), proc_(std::move(proc)) {}

std::optional<KongMaster> KongProcesses::master() const {
  const auto pid = pid_in(prefix_ / "pids" / "nginx.pid");
  if (!pid || *pid <= 0) return std::nullopt;
  const auto stat = stat_of(proc_, *pid);
  if (!stat || over(*stat)) return std::nullopt;
  const auto directory = proc_ / std::to_string(*pid);
  const auto title = read_proc(directory / "cmdline");
  if (!title || !title->starts_with(master_title)) return std::nullopt;
  struct stat owner {};
  if (::stat(directory.c_str(), &owner) != 0) return std::nullopt;
  return KongMaster{{*pid, stat->start}, owner.st_uid};
}

std::vector<KongChild> KongProcesses::children(const ProcessId& master, Care care) const {
  if (!lives(master)) return {};
  const auto listed = care == Care::Quick ? listed_children(proc_, master.pid) : std::nullopt;
  std::vector<KongChild> result;
  for (const int pid : listed ? *listed : all_pids(proc_)) {
    const auto child = child_of(proc_, pid, master.pid);
    if (child) result.push_back(*child);
  }
  std::sort(result.begin(), result.end(),
            [](const KongChild& a, const KongChild& b) { return a.id < b.id; });
  return result;
}

std::optional<bool> KongProcesses::busy(const ProcessId& master) const {
  constexpr std::string_view key = "\nSigBlk:\t";
  const auto text = read_proc(proc_ / std::to_string(master.pid) / "status");
  const auto at = text ? text->find(key) : std::string::npos;
  if (at == std::string::npos || !lives(master)) return std::nullopt;
  std::uint64_t blocked = 0;
  const char* begin = text->data() + at + key.size();
  const auto [end, error] = std::from_chars(begin, text->data() + text->size(), blocked, 16);
  if (error != std::errc()) return std::nullopt;
  return (blocked & (std::uint64_t{1} << (SIGHUP - 1))) != 0;
}

bool KongProcesses::lives(const ProcessId& process) const {
  const auto stat = stat_of(proc_, process.pid);
  return stat && stat->start == process.start && !over(*stat);
}

std::string KongProcesses::signal(const ProcessId& process, int number) const {
  const Fd held(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  // From here on the descriptor is of who is compared, whoever gets the number later.
  if (!lives(process)) return "it has ended";
  if (held && ::syscall(SYS_pidfd_send_signal, held.get(), number, nullptr, 0) == 0) return "";
  if (held && errno == ESRCH) return "it has ended";
  // No such call (ENOSYS), or one that a filter keeps from us (EPERM).
  return ::kill(process.pid, number) == 0 ? "" : std::generic_category().message(errno);
}

std::uint64_t KongProcesses::ticks_now() {
  timespec now{};
  // The kernel stamps processes with this clock, in units of 1/USER_HZ, rounded down
  // (fs/proc/array.c).
  if (::clock_gettime(CLOCK_BOOTTIME, &now) != 0) throw_errno("read the clock");
  const auto hertz = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const auto seconds = static_cast<std::uint64_t>(now.tv_sec);
  return seconds * hertz + static_cast<std::uint64_t>(now.tv_nsec) * hertz / 1'000'000'000;
}

}  // namespace kongfleet::agent
