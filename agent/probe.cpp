// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/probe.hpp"

#include "agent/child_process.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

// Steps one match may take: about 50 ms. Boost's own limit of a hundred million is seconds of CPU.
#define BOOST_REGEX_MAX_STATE_COUNT 2000000
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // the library casts our macro
#include <boost/regex.hpp>
#pragma GCC diagnostic pop

#include <algorithm>
#include <thread>

namespace kongfleet::agent {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t pattern_max = 1000;
constexpr std::size_t searched_max = std::size_t{256} << 10;
// What of a header, a body or a command's output goes into a report.
constexpr std::size_t shown_max = 200;

boost::regex compiled(std::string_view pattern) {
  return boost::regex(pattern.begin(), pattern.end(), boost::regex::perl);
}

std::string in_quotes(std::string_view text) { return "'" + printable(text, shown_max) + "'"; }

std::string of_bytes(std::string_view text) {
  return " of " + std::to_string(text.size()) + " bytes";
}

struct Try {
  bool ok = false;
  std::string detail;
  bool unanswered = false;
  std::string came;  // ProbeOutcome::came
};

Try try_http(const ProbeSpec& probe, const HttpClient& client, Clock::time_point deadline) {
  const auto url = HttpUrl::parse(probe.url);
  if (const auto* why = std::get_if<std::string>(&url))
    return {false, "url " + in_quotes(probe.url) + ": " + *why};
  const auto result = client.get(std::get<HttpUrl>(url), deadline);
  if (!result.response) return {false, result.error, true};
  const auto wrong = judge_response(probe, *result.response);
  if (!wrong.empty())
    return {false, wrong, false, probe.own ? quoted(probe, *result.response) : ""};
  return {true, told_of(probe, *result.response)};
}

Try try_tcp(const ProbeSpec& probe, const HttpClient& client, Clock::time_point deadline) {
  const auto address = HostPort::parse(probe.address);
  if (!address) return {false, "address " + in_quotes(probe.address) + " is no HOST:PORT"};
  const auto error = client.connect(*address, deadline);
  if (!error.empty()) return {false, error, true};
  return {true, "connected to " + probe.address};
}

Try try_command(const ProbeSpec& probe, const HostPaths& paths, Clock::time_point deadline) {
  ChildRequest request;
  request.argv = probe.command;
  request.environment = {"PATH=" + paths.path, "LC_ALL=C"};
  request.deadline = deadline;
  request.output_max = std::size_t{8} << 10;
  const auto result = run_child(request);
  std::string detail = result.timed_out ? "no end within its timeout"
                                        : "exit code " + std::to_string(result.exit_code);
  const auto text = result.text();
  if (!text.empty()) detail += ", " + printable(text, shown_max);
  return {result.ok(), detail, result.timed_out};
}

Try try_once(const ProbeSpec& probe, const HostPaths& paths, const HttpClient& client,
             Clock::time_point deadline) {
  switch (probe.type) {
    case ProbeType::Http:
      return try_http(probe, client, deadline);
    case ProbeType::Tcp:
      return try_tcp(probe, client, deadline);
    case ProbeType::Command:
      return try_command(probe, paths, deadline);
    case ProbeType::Smoke:
      break;  // a story of its own
  }
  return {};
}

}  // namespace

std::string why_bad_pattern(std::string_view pattern) {
  if (pattern.size() > pattern_max)
    return "it has more than " + std::to_string(pattern_max) + " bytes";
  try {
    compiled(pattern);
  } catch (const std::exception& error) {
    return printable(error.what(), shown_max);
  }
  return "";
}

bool pattern_matches(const std::string& pattern, std::string_view text) {
  text = text.substr(0, searched_max);
  try {
    return boost::regex_search(text.begin(), text.end(), compiled(pattern));
  } catch (const std::exception& error) {
    throw Error("match " + in_quotes(pattern) + ": " + printable(error.what(), shown_max));
  }
}

std::string judge_response(const ProbeSpec& probe, const HttpResponse& response) {
  if (response.status != probe.status)
    return "status " + std::to_string(response.status) + " instead of " +
           std::to_string(probe.status);
  try {
    for (const auto& [name, pattern] : probe.header) {
      const auto value = response.header(name);
      if (!value) return "no header " + name;
      if (!pattern_matches(pattern, *value))
        return name + of_bytes(*value) + " does not match " + in_quotes(pattern);
    }
    if (!probe.body.empty() && !pattern_matches(probe.body, response.body))
      return "the body" + of_bytes(response.body) + " does not match " + in_quotes(probe.body);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string told_of(const ProbeSpec& probe, const HttpResponse& response) {
  std::string text = std::to_string(response.status);
  for (const auto& [name, pattern] : probe.header)
    text += ", " + name + " matches " + in_quotes(pattern);
  return text;
}

std::string quoted(const ProbeSpec& probe, const HttpResponse& response) {
  std::string text = std::to_string(response.status);
  for (const auto& [name, pattern] : probe.header)
    if (const auto value = response.header(name)) text += ", " + name + ": " + in_quotes(*value);
  return text + ", body " + in_quotes(response.body);
}

ProbeOutcome run_probe(const ProbeSpec& probe, const HostPaths& paths, const HttpClient& client,
                       Clock::time_point deadline) {
  const auto began = Clock::now();
  ProbeOutcome outcome;
  outcome.name = probe.name;
  outcome.detail = "no time was left to try";
  unsigned good = 0;
  unsigned bad = 0;
  auto next = began;
  while (next <= deadline && Clock::now() < deadline && !outcome.ok && bad < probe_failures_max) {
    std::this_thread::sleep_until(next);
    ++outcome.tries;
    const auto tried =
        try_once(probe, paths, client, std::min(deadline, Clock::now() + probe.timeout));
    good = tried.ok ? good + 1 : 0;
    bad = tried.ok ? 0 : bad + 1;
    outcome.detail = tried.detail;
    outcome.unanswered = tried.unanswered;
    outcome.came = tried.came;
    outcome.ok = good >= std::max(probe.successes, 1U);
    next = Clock::now() + probe.interval;
  }
  outcome.inconclusive = !outcome.ok && good == outcome.tries;
  if (!outcome.ok && good > 0)
    outcome.detail += ", but not " + std::to_string(probe.successes) + " times in a row in time";
  outcome.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  return outcome;
}

}  // namespace kongfleet::agent
