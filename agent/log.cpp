// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/log.hpp"

#include "proto/names.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace kongfleet::agent {

namespace {

// systemd sets JOURNAL_STREAM for a service whose stderr is the journal (systemd.exec(5)).
spdlog::logger make_logger(const std::string& priority) {
  spdlog::logger log("agent", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  log.set_pattern(journal ? priority + "%v" : "%Y-%m-%dT%H:%M:%S%z %l: %v");
  return log;
}

}  // namespace

void log_info(const std::string& text) {
  static auto log = make_logger("<6>");
  log.info("{}", printable(text));
}

void log_warning(const std::string& text) {
  static auto log = make_logger("<4>");
  log.warn("{}", printable(text));
}

void log_error(const std::string& text) {
  static auto log = make_logger("<3>");
  log.error("{}", printable(text));
}

}  // namespace kongfleet::agent
