// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/log.hpp"

#include "proto/names.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace kongfleet::agent {

namespace {

// systemd sets JOURNAL_STREAM to the device and inode of a stderr that is the journal's
// (systemd.exec(5)); children inherit it, whatever theirs is.
bool is_for_journal() {
  static const bool is = [] {
    const char* const stream = std::getenv("JOURNAL_STREAM");
    struct stat error {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &error) == 0 &&
           stream == std::to_string(error.st_dev) + ":" + std::to_string(error.st_ino);
  }();
  return is;
}

spdlog::logger make_logger(const std::string& priority) {
  spdlog::logger log("agent", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  log.set_pattern(is_for_journal() ? priority + "%v" : "%Y-%m-%dT%H:%M:%S%z %l: %v");
  return log;
}

bool told_journal(const std::string& priority, const std::string& text) {
  return is_for_journal() && send_to_journal(journal_entry(log_fields(priority, text)));
}

thread_local JournalFields subject;

}  // namespace

LogSubject::LogSubject(const std::string& transaction, std::uint64_t generation)
    : before_(std::move(subject)) {
  subject = {{"KONGFLEET_TRANSACTION", printable(transaction)},
             {"KONGFLEET_ROLLOUT", printable(transaction.substr(0, transaction.find('/')))},
             {"KONGFLEET_GENERATION", std::to_string(generation)}};
}

LogSubject::~LogSubject() { subject = std::move(before_); }

JournalFields log_fields(const std::string& priority, const std::string& text) {
  JournalFields fields{{"MESSAGE", printable(text)},
                       {"PRIORITY", priority.substr(1, 1)},
                       {"SYSLOG_IDENTIFIER", "kongfleet-agent"}};
  fields.insert(fields.end(), subject.begin(), subject.end());
  return fields;
}

void log_info(const std::string& text) {
  static auto log = make_logger("<6>");
  if (!told_journal("<6>", text)) log.info("{}", printable(text));
}

void log_warning(const std::string& text) {
  static auto log = make_logger("<4>");
  if (!told_journal("<4>", text)) log.warn("{}", printable(text));
}

void log_error(const std::string& text) {
  static auto log = make_logger("<3>");
  if (!told_journal("<3>", text)) log.error("{}", printable(text));
}

}  // namespace kongfleet::agent
