// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// One message of nginx's error log: "2026/11/23 09:12:00 [error] 8372#0: init_by_lua error: …" and
/// the lines that follow it without a time of their own.
struct LogEntry {
  std::string level;    // "emerg", …, "notice", "debug"
  int pid = 0;          // who wrote it
  std::string message;  // without time, level and pid; lines joined by '\n'
  std::string line;     // the first line as it stands in the file
};

/// What an entry says about a reload (kong-live.md sections 3 and 4).
enum class LogSign {
  Nothing,        // noise, and errors of single requests
  Heard,          // master: a reload was asked for; from log_level notice on
  CycleStarted,   // master: "start worker processes", written for an accepted configuration only
  BindRetry,      // master: a listen address is taken; nginx tries five times
  Rejected,       // master: the new configuration failed, the old workers stay
  WorkerCrashed,  // master: a worker ended by a signal or with a fatal code
  Degraded  // a worker came up broken: "worker initialization error", "unsafe request processing"
};

LogSign sign_of(const LogEntry& entry, int master);

/// The worker a WorkerCrashed entry is about, or 0.
int crashed_worker(const LogEntry& entry);

/// Splits a log into entries, piece by piece. Pure; a last line without its end waits for more.
///
/// What nginx appends to a message about the request it was at, from ", client: ADDRESS" to the
/// message's end (server, request, subrequest, upstream, host, referrer), is left out of `message`
/// and `line`: keys and passwords of clients stand in it, and entries go into reports, causes and
/// the controller's database. It is at the end of the message, behind a stack traceback if there is
/// one. A decoded path may have a line break in it, so that the lines up to the next entry go too.
class LogParser {
public:
  void feed(std::string_view bytes);
  /// All entries so far, oldest first. Above `entries_max` those that say nothing are dropped,
  /// oldest first, and then the oldest.
  const std::vector<LogEntry>& entries() const { return entries_; }
  static constexpr std::size_t entries_max = 500;

private:
  void take(std::string_view line);
  void shrink();
  std::string unfinished_;
  std::vector<LogEntry> entries_;
  bool over_ = false;  // the last entry was cut: no line belongs to it any more
};

/// Where a log ended at some time.
struct LogPosition {
  std::uint64_t inode = 0;  // 0: there was no file
  std::uint64_t offset = 0;
};

/// The end of the log now. A file that isn't there is {0, 0}: all that comes is new.
LogPosition end_of_log(const std::filesystem::path& path);

/// Why a log is not read although something is there; empty: it is read, or there is none yet.
std::string refusal_of_log(const std::filesystem::path& path);

/// Follows a log file from a position on, also when it is renamed or truncated meanwhile
/// (logrotate). Whoever writes may go on in the renamed file until it is told to open the new one:
/// both are followed. Kong's user may put links in their place: they are opened each time as
/// followed_file() says, and a file that it refuses can't be read.
class LogFollower {
public:
  LogFollower(std::filesystem::path path, LogPosition from);
  /// What was written since the last call, at most 4 MiB at once of each file: a log that grows
  /// faster is read from 4 MiB before its end. Nothing while no file can be read.
  std::optional<std::string> more();

private:
  struct File {
    std::filesystem::path path;
    LogPosition at;
  };
  std::optional<std::string> read_on(File& file) const;
  File current_;
  std::optional<File> older_;  // as it is called since
};

/// What people get to see of a log: errors first, each line printable, at most `limit` bytes.
/// Nothing of levels info and debug: whole requests may be written there.
std::string log_excerpt(const std::vector<LogEntry>& entries, int master, std::size_t limit);

}  // namespace kongfleet::agent
