// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/checkup_view.hpp"

#include "controller/answer.hpp"
#include "controller/exit_code.hpp"
#include "controller/host_checkup.hpp"
#include "controller/status_view.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <string_view>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

constexpr std::size_t line_width = 100;  // on which names are told; texts are as long as they are
constexpr std::size_t indent = 11;       // where what a line is about begins

using Verdict = wire::Check::Verdict;

std::string verdict_text(Verdict verdict) {
  if (verdict == wire::Check::RIGHT) return "right";
  return verdict == wire::Check::WRONG ? "wrong" : "warning";
}

std::string kind_text(wire::Check::Remedy kind) {
  if (kind == wire::Check::HOST) return "host";
  return kind == wire::Check::CONTROLLER ? "controller" : "edit";
}

Verdict gravest_of(const std::vector<wire::Check>& checks) {
  auto verdict = wire::Check::RIGHT;
  for (const auto& check : checks) verdict = std::max(verdict, check.verdict());
  return verdict;
}

std::string summary_of(const std::vector<wire::Check>& checks) {
  const auto count = [&](Verdict verdict) {
    return static_cast<std::size_t>(
        std::count_if(checks.begin(), checks.end(),
                      [&](const wire::Check& check) { return check.verdict() == verdict; }));
  };
  const auto wrong = count(wire::Check::WRONG);
  const auto warnings = count(wire::Check::WARNING);
  std::string text = wrong + warnings == 0 ? "ok, " : "";
  if (wrong > 0) text += std::to_string(wrong) + " wrong, ";
  if (warnings > 0) text += counted(warnings, "warning") + ", ";
  return text + counted(checks.size(), "check");
}

// Where the remedy goes comes before it, so that what is behind can be copied as it stands.
std::string remedy_line(const wire::Check& check, const std::string& host) {
  if (check.remedy_kind() == wire::Check::HOST) return "on " + host + ": " + check.remedy();
  if (check.remedy_kind() == wire::Check::CONTROLLER) return "here: " + check.remedy();
  return "mend: " + check.remedy();
}

void print_ailment(std::ostream& out, const wire::Check& check, const std::string& host) {
  out << "  " << std::left << std::setw(7) << verdict_text(check.verdict()) << "  " << check.name()
      << ": " << check.text();
  if (!check.why().empty()) out << "; " << check.why();
  out << "\n";
  if (!check.remedy().empty()) out << std::string(indent, ' ') << remedy_line(check, host) << "\n";
}

/// The names of what is right; what was found there is in the JSON.
void print_right(std::ostream& out, const std::vector<wire::Check>& checks) {
  constexpr std::string_view between = ", ";
  std::size_t column = 0;
  for (const auto& check : checks) {
    if (check.verdict() != wire::Check::RIGHT) continue;
    const bool first = column == 0;
    const bool fits = column + 2 * between.size() + check.name().size() <= line_width;
    if (!first && fits) {
      out << between;
      column += between.size();
    } else {
      out << (first ? "  right    " : ",\n           ");
      column = indent;
    }
    out << check.name();
    column += check.name().size();
  }
  if (column > 0) out << "\n";
}

json::object json_of(const wire::Check& check) {
  json::object object{
      {"name", check.name()}, {"verdict", verdict_text(check.verdict())}, {"text", check.text()}};
  if (!check.why().empty()) object["why"] = check.why();
  if (check.remedy().empty()) return object;
  object["remedy"] = check.remedy();
  object["remedy_kind"] = kind_text(check.remedy_kind());
  return object;
}

}  // namespace

void print_checkups(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts) {
  std::size_t width = 0;
  for (const auto& host : hosts) width = std::max(width, host->label().size());
  for (const auto& host : hosts) {
    const auto checks = checks_of(*host);
    out << std::left << std::setw(static_cast<int>(width)) << host->label() << "  "
        << summary_of(checks) << "\n";
    for (const auto& check : checks)
      if (check.verdict() != wire::Check::RIGHT) print_ailment(out, check, host->label());
    print_right(out, checks);
  }
}

json::array checkups_json(const std::vector<std::unique_ptr<HostRun>>& hosts) {
  json::array array;
  for (const auto& host : hosts) {
    const auto checks = checks_of(*host);
    json::object object{{"host", host->label()}, {"verdict", verdict_text(gravest_of(checks))}};
    auto& said = object["checks"].emplace_array();
    for (const auto& check : checks) said.push_back(json_of(check));
    array.push_back(std::move(object));
  }
  return array;
}

json::object check_hosts_json(const CheckReport& report,
                              const std::vector<std::unique_ptr<HostRun>>& hosts) {
  auto document = check_json(report);
  document["ok"] = checkups_exit_code(hosts) == exit_code::done;
  document["host_states"] = status_json(hosts);
  document["host_checks"] = checkups_json(hosts);
  return document;
}

int checkups_exit_code(const std::vector<std::unique_ptr<HostRun>>& hosts) {
  int code = exit_code::done;
  for (const auto& host : hosts) {
    const bool reached = host->trouble == Trouble::None;
    if (reached && host->state.state() == "stranded") return exit_code::needs_person;
    if (host->fault == LinkFault::HostKey) code = exit_code::host_key;
    if (code == exit_code::done && gravest_of(checks_of(*host)) == wire::Check::WRONG)
      code = exit_code::differs;
  }
  return code;
}

}  // namespace kongfleet::controller
