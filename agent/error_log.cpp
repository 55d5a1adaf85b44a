// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/error_log.hpp"

#include "proto/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace kongfleet::agent {
namespace {

// One message of nginx is at most 4 KiB (NGX_MAX_ERROR_STR in OpenResty); more is somebody else's
// text.
constexpr std::size_t message_max = std::size_t{16} << 10;
// What one line of a log takes of an excerpt: a stack of Lua errors stays readable.
constexpr std::size_t line_max = 1000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "2026/11/23 09:12:00 [": the beginning of every message.
bool begins_entry(std::string_view line) {
  constexpr std::string_view shape = "0000/00/00 00:00:00 [";
  if (line.size() <= shape.size()) return false;
  for (std::size_t at = 0; at < shape.size(); ++at)
    if (shape[at] == '0' ? !is_digit(line[at]) : line[at] != shape[at]) return false;
  return true;
}

std::optional<LogEntry> parse_entry(std::string_view line) {
  if (!begins_entry(line)) return std::nullopt;
  std::string_view rest = line.substr(21);
  const auto level_end = rest.find("] ");
  if (level_end == std::string_view::npos) return std::nullopt;
  LogEntry entry;
  entry.level = rest.substr(0, level_end);
  rest.remove_prefix(level_end + 2);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), entry.pid);
  if (error != std::errc()) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  const auto colon = rest.find(": ");
  if (rest.empty() || rest.front() != '#' || colon == std::string_view::npos) return std::nullopt;
  entry.message = rest.substr(colon + 2);
  entry.line = line;
  return entry;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Where what nginx appends about a request begins: ", client: ADDRESS", and then it ends or goes
/// on with ", server: …". Nothing that a client sends stands before it. A message that holds
/// ", client: " and other words after it is not cut.
std::size_t begin_of_request(std::string_view line) {
  constexpr std::string_view mark = "client: ";
  constexpr std::string_view of_udp = ", udp ";  // in nginx's stream module
  for (auto at = line.find(mark); at != line.npos; at = line.find(mark, at + 1)) {
    const auto before = line.substr(0, at);
    const auto rest = line.substr(at + mark.size());
    const auto address = rest.substr(0, rest.find(','));
    const bool is_address =
        address == "unix:" || address.find_first_not_of("0123456789abcdefABCDEF.:") == line.npos;
    if (is_address && before.ends_with(of_udp)) return at - of_udp.size();
    if (is_address && before.ends_with(", ")) return at - 2;
  }
  return line.size();
}

LogSign sign_by_master(const LogEntry& entry) {
  const std::string_view message = entry.message;
  if (message.starts_with("start worker processes")) return LogSign::CycleStarted;
  if (message.starts_with("reconfiguring")) return LogSign::Heard;
  if (message.starts_with("init_by_lua")) return LogSign::Rejected;
  if (crashed_worker(entry) != 0) return LogSign::WorkerCrashed;
  if (entry.level != "emerg") return LogSign::Nothing;
  // nginx repeats a failed bind four times, 500 ms apart, and only then says "still could not
  // bind()".
  const bool bind = message.starts_with("bind() to ") || message.starts_with("listen() to ");
  return bind ? LogSign::BindRetry : LogSign::Rejected;
}

/// Of the levels at which nginx, built for it, writes requests down whole, header by header.
bool tells_of_requests(const LogEntry& entry) {
  return entry.level == "debug" || entry.level == "info";
}

bool is_error(const LogEntry& entry) {
  constexpr std::array<std::string_view, 4> levels{"emerg", "alert", "crit", "error"};
  return std::find(levels.begin(), levels.end(), entry.level) != levels.end();
}

/// What a reader wants to see first.
int rank(const LogEntry& entry, int master) {
  const auto sign = sign_of(entry, master);
  if (sign == LogSign::Rejected || sign == LogSign::Degraded) return 0;
  if (sign == LogSign::WorkerCrashed || sign == LogSign::BindRetry) return 1;
  // Of every old worker on every good reload (kong-live.md section 3).
  const bool noise = holds(entry.message, "could not reschedule DNS resolver timer");
  return is_error(entry) && !noise ? 2 : 3;
}

/// An entry as it is shown: its lines, those after the first indented.
std::vector<std::string> lines_of(const LogEntry& entry) {
  std::vector<std::string> lines{printable(entry.line, line_max)};
  std::string_view rest = entry.message;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    rest.remove_prefix(end + 1);
    std::string line(rest.substr(0, rest.find('\n')));
    std::replace(line.begin(), line.end(), '\t', ' ');
    lines.push_back("  " + printable(line, line_max));
  }
  return lines;
}

}  // namespace

int crashed_worker(const LogEntry& entry) {
  constexpr std::string_view begin = "worker process ";
  std::string_view message = entry.message;
  if (!message.starts_with(begin)) return 0;
  if (!holds(message, " exited on signal ") && !holds(message, " exited with fatal code "))
    return 0;
  message.remove_prefix(begin.size());
  int pid = 0;
  std::from_chars(message.data(), message.data() + message.size(), pid);
  return pid;
}

LogSign sign_of(const LogEntry& entry, int master) {
  if (entry.pid == master) return sign_by_master(entry);
  if (!is_error(entry)) return LogSign::Nothing;
  // nginx appends what the client sent (request, referrer, …): nobody outside may make us go back.
  const auto message = entry.message.substr(0, entry.message.find(", client: "));
  if (holds(message, "worker initialization error:")) return LogSign::Degraded;
  if (holds(message, "unsafe request processing due to earlier initialization errors"))
    return LogSign::Degraded;
  if (message.starts_with("init_worker_by_lua")) return LogSign::Degraded;
  return LogSign::Nothing;
}

void LogParser::feed(std::string_view bytes) {
  unfinished_.append(bytes);
  std::string_view rest(unfinished_);
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    take(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (rest.size() > message_max) rest = rest.substr(0, message_max);
  unfinished_ = std::string(rest);
  shrink();
}

void LogParser::take(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  line = line.substr(0, message_max);
  const auto kept = line.substr(0, begin_of_request(line));
  const bool cut = kept.size() < line.size();
  if (auto entry = parse_entry(kept)) {
    entries_.push_back(std::move(*entry));
    over_ = cut;
    return;
  }
  // The rest of a message from before our time, or of a request's line break.
  if (entries_.empty() || over_) return;
  over_ = cut;
  if (cut && kept.empty()) return;
  auto& message = entries_.back().message;
  if (message.size() + kept.size() < message_max) message.append("\n").append(kept);
}

void LogParser::shrink() {
  if (entries_.size() <= entries_max) return;
  // The master is not known here, so that whoever wrote it counts: rather one entry too many is
  // kept.
  std::size_t surplus = entries_.size() - entries_max;
  std::erase_if(entries_, [&](const LogEntry& entry) {
    if (surplus == 0 || sign_of(entry, entry.pid) != LogSign::Nothing) return false;
    if (sign_of(entry, 0) != LogSign::Nothing) return false;
    --surplus;
    return true;
  });
  if (surplus > 0)
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(surplus));
}

std::string log_excerpt(const std::vector<LogEntry>& entries, int master, std::size_t limit) {
  std::string result;
  for (int wanted = 0; wanted <= 3; ++wanted) {
    for (const auto& entry : entries) {
      if (tells_of_requests(entry) || rank(entry, master) != wanted) continue;
      for (const auto& line : lines_of(entry)) {
        if (result.size() + line.size() + 1 > limit) return result;
        result += line + "\n";
      }
    }
  }
  return result;
}

}  // namespace kongfleet::agent
