// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/gateway.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// What nginx's process title says a child of the master is.
enum class ChildState {
  Starting,  // forked, still under the master's title: it has not come through init_worker yet
  Serving,   // "nginx: worker process"
  Draining,  // "nginx: worker process is shutting down": accepts nothing new
  Other      // privileged agent (3.x), cache manager, a program a plugin started
};

struct KongChild {
  ProcessId id;
  ChildState state = ChildState::Other;
  bool operator==(const KongChild&) const = default;
};

struct KongMaster {
  ProcessId id;
  uid_t uid = 0;
};

/// What a command line (/proc/PID/cmdline) of nginx's child means. The titles are those of nginx
/// src/os/unix/ngx_process_cycle.c; they are compared whole.
ChildState child_state_of(std::string_view command_line);

/// Kong's processes as /proc shows them. Nothing is kept open between two looks.
class KongProcesses {
public:
  /// `prefix` is Kong's; `proc` is /proc, or what a test put in its place.
  KongProcesses(std::filesystem::path prefix, std::filesystem::path proc);

  /// The process that PREFIX/pids/nginx.pid names, if it lives and is an nginx master: the file
  /// outlives its process, and pids are reused.
  std::optional<KongMaster> master() const;

  /// How thoroughly children are looked for. Quickly: the kernel's own list, which may miss one
  /// while others exit. Thoroughly: all of /proc, before anything is decided.
  enum class Care { Quick, Thorough };
  /// The children that live, in order of their pids; none when the master is gone.
  std::vector<KongChild> children(const ProcessId& master, Care care) const;

  /// Whether the master is at work on a signal, a reload for one. It blocks its signals but while
  /// it waits for one, so that /proc/PID/status tells; nothing where that can't be read.
  std::optional<bool> busy(const ProcessId& master) const;

  /// True while exactly this process lives.
  bool lives(const ProcessId& process) const;

  /// Signals exactly this process (signal(7)), and never another that has come to its pid: it is
  /// held by a pidfd (pidfd_open(2), Linux 5.3) while it is compared, and signalled through that.
  /// An older kernel has it compared right before kill(2). Gives what was in the way, if anything.
  std::string signal(const ProcessId& process, int number) const;

  /// Now, in the unit and from the origin of ProcessId::start.
  static std::uint64_t ticks_now();

private:
  std::filesystem::path prefix_;
  std::filesystem::path proc_;
};

}  // namespace kongfleet::agent
