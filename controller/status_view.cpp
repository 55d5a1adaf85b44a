// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/status_view.hpp"

#include "controller/answer.hpp"
#include "controller/exit_code.hpp"
#include "controller/wire_json.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <iomanip>
#include <map>
#include <ostream>
#include <sstream>

namespace kongfleet::controller {

namespace json = boost::json;

namespace {

struct HostRow {
  std::string host, state, kong, generation, releases;
};

std::string state_text(const HostRun& host) {
  if (host.trouble != Trouble::None) return "unknown";
  if (host.state.state() == "ready" && host.state.drift_size() > 0) return "drift";
  return printable(host.state.state());
}

HostRow row_of(const HostRun& host) {
  HostRow row{host.label(), state_text(host), "", "", ""};
  if (host.trouble != Trouble::None) return row;
  row.kong = printable(host.state.kong_version());
  row.generation =
      host.state.generation() == 0 ? "baseline" : std::to_string(host.state.generation());
  for (const auto& release : host.state.releases()) {
    row.releases += (row.releases.empty() ? "" : " ") + printable(release.name()) + "@" +
                    printable(release.version());
  }
  return row;
}

void print_row(std::ostream& out, const HostRow& row, std::size_t host_width) {
  out << std::left << std::setw(static_cast<int>(host_width)) << row.host << "  " << std::setw(12)
      << row.state << "  " << std::setw(8) << row.kong << "  " << std::setw(10) << row.generation
      << "  " << row.releases << "\n";
}

void print_details(std::ostream& out, const HostRun& host) {
  if (host.trouble != Trouble::None) out << host.label() << ": " << host.problem << "\n";
  if (!host.state.advice().empty())
    out << host.label() << ": " << printable(host.state.advice()) << "\n";
  for (const auto& drift : host.state.drift())
    out << host.label() << ": drift: " << printable(drift) << "\n";
  if (host.state.draining() > 0)
    out << host.label() << ": " << host.state.draining()
        << " workers of before still end their connections\n";
  if (!host.state.has_open()) return;
  const auto& open = host.state.open();
  out << host.label() << ": transaction " << printable(open.id()) << " of "
      << printable(open.holder()) << ", step " << printable(open.step()) << ", since "
      << open.age_s() << " s";
  if (open.lease_left_s() > 0)
    out << ", undone in " << open.lease_left_s() << " s unless confirmed";
  out << "\n";
}

}  // namespace

void print_status(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts) {
  std::size_t width = 4;
  for (const auto& host : hosts) width = std::max(width, host->label().size());
  print_row(out, {"HOST", "STATE", "KONG", "GENERATION", "RELEASES"}, width);
  for (const auto& host : hosts) print_row(out, row_of(*host), width);
  for (const auto& host : hosts) print_details(out, *host);
}

std::vector<std::string> status_rows(const std::vector<std::unique_ptr<HostRun>>& hosts,
                                     const Window& window) {
  std::map<std::string, std::size_t> counts;
  std::size_t width = 4;
  std::vector<const HostRun*> order;
  for (const auto& host : hosts) {
    ++counts[state_text(*host)];
    width = std::max(width, host->label().size());
    order.push_back(host.get());
  }
  std::stable_partition(order.begin(), order.end(),
                        [](const HostRun* host) { return state_text(*host) != "ready"; });
  std::ostringstream text;
  text << counted(hosts.size(), "host");
  for (const auto& [state, count] : counts) text << ", " << count << " " << state;
  text << "\n";
  const auto room = std::max<std::size_t>(window.height, 5) - 4;
  print_row(text, {"HOST", "STATE", "KONG", "GENERATION", "RELEASES"}, width);
  const auto shown = std::min(order.size(), room);
  for (std::size_t i = 0; i < shown; ++i) print_row(text, row_of(*order[i]), width);
  if (shown < order.size()) text << "and " << order.size() - shown << " more\n";
  for (std::size_t i = 0; i < shown; ++i) print_details(text, *order[i]);
  std::vector<std::string> rows;
  std::istringstream lines(text.str());
  for (std::string line; std::getline(lines, line) && rows.size() + 1 < window.height;)
    rows.push_back(Row(window).add(line).text());
  return rows;
}

json::array status_json(const std::vector<std::unique_ptr<HostRun>>& hosts) {
  json::array array;
  for (const auto& host : hosts) {
    json::object object{{"host", host->label()}, {"state", state_text(*host)}};
    if (host->trouble == Trouble::None) object["agent"] = host_state_json(host->state);
    if (!host->problem.empty()) object["problem"] = host->problem;
    array.push_back(std::move(object));
  }
  return array;
}

json::object status_document(const std::vector<std::unique_ptr<HostRun>>& hosts) {
  return {{"schema", json_schema}, {"command", "status"}, {"hosts", status_json(hosts)}};
}

void print_status_json(std::ostream& out, const std::vector<std::unique_ptr<HostRun>>& hosts) {
  out << json::serialize(status_document(hosts)) << "\n";
}

int status_exit_code(const std::vector<std::unique_ptr<HostRun>>& hosts) {
  int code = exit_code::done;
  for (const auto& host : hosts) {
    const auto state = state_text(*host);
    if (state == "stranded") return exit_code::needs_person;
    if (host->fault == LinkFault::HostKey) code = exit_code::host_key;
    if (code == exit_code::done && state != "ready") code = exit_code::differs;
  }
  return code;
}

}  // namespace kongfleet::controller
