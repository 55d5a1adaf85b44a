// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/plan_view.hpp"

#include "controller/answer.hpp"
#include "controller/moment.hpp"
#include "controller/wire_json.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>

#include <map>
#include <ostream>
#include <sstream>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

void print_finding(std::ostream& out, const char* mark, const wire::Finding& finding) {
  out << "  " << mark << " ";
  if (!finding.plugin().empty()) out << printable(finding.plugin()) << ": ";
  if (!finding.file().empty()) {
    out << printable(finding.file());
    if (finding.line() > 0) out << ":" << finding.line();
    out << ": ";
  }
  out << printable(finding.text());
  if (!finding.advice().empty()) out << "\n      " << printable(finding.advice());
  out << "\n";
}

std::string move_text(const wire::ReleaseChange& move) {
  const auto name = printable(move.name());
  if (move.from().empty()) return "+ " + name + " " + printable(move.to());
  if (move.to().empty()) return "- " + name + " " + printable(move.from());
  if (move.from() == move.to())
    return "~ " + name + " " + printable(move.to()) + " (content differs)";
  return "~ " + name + " " + printable(move.from()) + " -> " + printable(move.to());
}

void print_change(std::ostream& out, const HostRun& host) {
  const auto& plan = *host.plan;
  for (const auto& move : plan.releases()) out << "  " << move_text(move) << "\n";
  if (plan.missing_size() > 0) {
    out << "    " << counted(static_cast<std::uint64_t>(plan.missing_size()), "file")
        << " to send, " << plan.missing_bytes() << " bytes\n";
  }
  for (const auto& line : plan.conf()) {
    const auto where = printable(plan.conf_path()) + ":" + std::to_string(line.line());
    if (line.has_before()) out << "  - " << where << "  " << printable(line.before()) << "\n";
    if (line.has_after()) out << "  + " << where << "  " << printable(line.after()) << "\n";
  }
  for (const auto& drift : host.state.drift()) out << "  ! drift: " << printable(drift) << "\n";
  for (const auto& finding : plan.warnings()) print_finding(out, "?", finding);
  for (const auto& finding : plan.refusals()) print_finding(out, "X refused:", finding);
}

json::array conflicts_json(const std::vector<ReleaseConflict>& conflicts) {
  json::array array;
  for (const auto& conflict : conflicts) {
    array.push_back(json::object{{"name", conflict.name},
                                 {"version", conflict.version},
                                 {"digest", conflict.digest},
                                 {"released_digest", conflict.released_digest},
                                 {"rollout", conflict.rollout},
                                 {"at", utc_text(conflict.at_ms)},
                                 {"text", text_of(conflict)}});
  }
  return array;
}

std::string plan_text(const HostRun& host) {
  if (!host.plan) return "  X " + host.problem + "\n";
  if (host.plan->unchanged()) return "  = nothing to do\n";
  std::ostringstream text;
  print_change(text, host);
  return text.str();
}

}  // namespace

void print_plan(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts) {
  std::vector<std::pair<std::string, std::string>>
      groups;  // change, hosts; in the order of their first host
  for (const auto& host : hosts) {
    const auto text = plan_text(*host);
    auto at = groups.begin();
    while (at != groups.end() && at->first != text) ++at;
    if (at == groups.end()) {
      groups.emplace_back(text, host->label());
    } else {
      at->second += ", " + host->label();
    }
  }
  for (const auto& [text, labels] : groups) out << labels << "\n" << text;
}

void print_objections(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts) {
  for (const auto& host : hosts) {
    if (host->trouble != Trouble::None) {
      out << host->label() << ": " << host->problem << "\n";
    } else if (host->plan && host->plan->refusals_size() > 0) {
      out << host->label() << " refuses\n";
      for (const auto& finding : host->plan->refusals()) print_finding(out, "X", finding);
    }
  }
}

void print_conflicts(std::ostream& out, const std::vector<ReleaseConflict>& conflicts) {
  for (const auto& conflict : conflicts) {
    out << conflict.name << "\n  X a rollout would be refused: " << text_of(conflict) << "\n";
  }
}

void print_plan_json(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts,
                     const std::vector<ReleaseConflict>& conflicts) {
  json::object document{{"schema", json_schema}, {"command", "plan"}};
  auto& array = document["hosts"].emplace_array();
  for (const auto& host : hosts) {
    json::object object{{"host", host->label()}};
    if (host->plan) object["plan"] = plan_json(*host->plan);
    if (!host->problem.empty()) object["problem"] = host->problem;
    if (host->trouble != Trouble::Away && host->plan)
      object["state"] = host_state_json(host->state);
    array.push_back(std::move(object));
  }
  if (!conflicts.empty()) document["conflicts"] = conflicts_json(conflicts);
  out << json::serialize(document) << "\n";
}

}  // namespace kongfleet::controller
