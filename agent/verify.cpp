// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/verify.hpp"

#include "agent/kong_conf.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <set>

namespace kongfleet::agent {
namespace {

constexpr std::size_t cause_max = 2000;

bool was_there(const Snapshot& before, int pid) {
  return std::any_of(before.workers.begin(), before.workers.end(),
                     [&](const ProcessId& process) { return process.pid == pid; });
}

std::string process_name(const ProcessId& process) { return std::to_string(process.pid); }

/// A message of several lines as one, for a cause; the stack below it is in the excerpt of the log.
std::string in_one_line(std::string text) {
  text.resize(std::min(text.find("\nstack traceback:"), text.size()));
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) {
    const auto end = std::min(text.find_first_not_of("\n\t ", at), text.size());
    text.replace(at, end - at, " ");
  }
  return printable(text, cause_max);
}

std::set<int> serving_pids(const ProcessView& now) {
  std::set<int> pids;
  for (const auto& child : now.children)
    if (child.state == ChildState::Serving) pids.insert(child.id.pid);
  return pids;
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text.append(text.empty() ? "" : ",").append(item);
  return printable(text, cause_max);
}

Reading pending(std::string why) { return {Sign::Pending, std::move(why)}; }
Reading contradiction(std::string why) { return {Sign::Contradicts, std::move(why)}; }

Reading judge_versions(const Expectation& expected, const AdminRoot& root) {
  for (const auto& [plugin, version] : expected.versions) {
    if (root.versions.empty()) break;  // Kong 2 tells none
    const auto found = root.versions.find(plugin);
    if (found == root.versions.end())
      return pending("Kong does not have plugin " + plugin + " loaded");
    if (found->second != version)
      return pending("plugin " + plugin + " runs in version " + printable(found->second, 100) +
                     " instead of " + version);
  }
  return {Sign::Agrees, ""};
}

}  // namespace

bool is_fresh(const Snapshot& before, const ProcessId& process) {
  return process.start >= before.taken_at &&
         std::find(before.workers.begin(), before.workers.end(), process) == before.workers.end();
}

Reading judge_processes(const Snapshot& before, const ProcessView& now, std::size_t workers) {
  if (before.master.pid == 0) return contradiction("Kong was not running before the reload");
  if (!now.master)
    return contradiction("Kong's master process " + process_name(before.master) + " is gone");
  if (*now.master != before.master)
    return contradiction("Kong was restarted meanwhile: its master process is " +
                         process_name(*now.master) + ", it was " + process_name(before.master));
  std::size_t fresh = 0;
  for (const auto& child : now.children) {
    if (child.state == ChildState::Starting)
      return pending("worker " + process_name(child.id) + " has not come up yet");
    if (child.state != ChildState::Serving) continue;
    if (!is_fresh(before, child.id))
      return pending("worker " + process_name(child.id) + ", older than the reload, still serves");
    ++fresh;
  }
  if (fresh < std::max<std::size_t>(workers, 1))
    return pending(std::to_string(fresh) + " of " + std::to_string(workers) +
                   " new workers have come up");
  return {Sign::Agrees, ""};
}

Reading judge_log(const Snapshot& before, const std::vector<LogEntry>& log,
                  const ProcessView& now) {
  const int master = before.master.pid;
  Reading reading{Sign::Agrees, ""};
  for (const auto& entry : log) {
    const auto sign = sign_of(entry, master);
    const auto text = in_one_line(entry.message);
    if (sign == LogSign::Rejected) return contradiction("Kong rejected the reload: " + text);
    if (sign == LogSign::WorkerCrashed && !was_there(before, crashed_worker(entry)))
      return contradiction("a new worker crashed: " + text);
    if (sign == LogSign::BindRetry) reading = pending("Kong can't listen: " + text);
    if (sign == LogSign::CycleStarted) reading = {Sign::Agrees, ""};
    if (sign != LogSign::Degraded) continue;
    const bool by_fresh =
        std::any_of(now.children.begin(), now.children.end(), [&](const KongChild& child) {
          return child.id.pid == entry.pid && is_fresh(before, child.id);
        });
    if (by_fresh) return contradiction("a new worker is degraded: " + text);
  }
  return reading;
}

Reading judge_admin(const Expectation& expected, const AdminAnswer& answer,
                    const ProcessView& now) {
  if (answer.kind != AdminAnswer::Kind::Told) return pending(in_one_line(answer.text));
  const auto& root = answer.root;
  if (root.master && now.master && *root.master != now.master->pid)
    return pending("the Admin API belongs to another Kong, with master process " +
                   std::to_string(*root.master));
  if (!root.lua_package_path || !root.plugins)
    return pending("the Admin API does not tell lua_package_path and plugins");
  if (*root.lua_package_path != expected.lua_package_path)
    return pending("Kong runs with lua_package_path " + printable(*root.lua_package_path) +
                   " instead of " + expected.lua_package_path + ": something overrides kong.conf");
  if (*root.plugins != split_list(expected.plugins))
    return pending("Kong runs with plugins " + joined(*root.plugins) + " instead of " +
                   expected.plugins + ": something overrides kong.conf");
  if (!root.workers)
    return pending(
        "pids.workers is missing from the Admin API, as after a reload that Kong rejected");
  if (std::set<int>(root.workers->begin(), root.workers->end()) != serving_pids(now))
    return pending("the Admin API names other workers than those that serve");
  return judge_versions(expected, root);
}

StatusReading judge_status(const Snapshot& before, const StatusAnswer& now) {
  const auto error = [](const std::optional<int>& code, const std::optional<int>& had) {
    return code && *code >= 500 && *code != 503 && code != had;
  };
  const auto changed = [](const char* page, const std::optional<int>& code) {
    return pending(std::string(page) + " was 200 before the reload and is " +
                   (code ? std::to_string(*code) : std::string("silent")) + " now");
  };
  const bool ready_fails = error(now.ready, before.ready);
  if (ready_fails || error(now.page, before.status_page))
    return {
        pending("the Status API answers " + std::to_string(ready_fails ? *now.ready : *now.page)),
        true, false};
  if (before.status_page == 200 && now.page != 200)
    return {changed("/status", now.page), false, false};
  if (before.ready == 200 && now.ready != 200)
    return {changed("/status/ready", now.ready), false, false};
  if (before.configured && !now.configured)
    return {pending("the declarative configuration that was loaded before the reload is gone: "
                    "/status has no configuration_hash"),
            false, true};
  return {{Sign::Agrees, ""}, false, false};
}

bool any_fresh(const Snapshot& before, const ProcessView& now) {
  return std::any_of(now.children.begin(), now.children.end(), [&](const KongChild& child) {
    const bool counts = child.state == ChildState::Serving || child.state == ChildState::Starting;
    return counts && is_fresh(before, child.id);
  });
}

bool shows_acceptance(const Snapshot& before, const ProcessView& now, std::size_t workers_most) {
  std::size_t old_serving = 0;
  std::size_t fresh = 0;
  for (const auto& child : now.children) {
    const bool counts = child.state == ChildState::Serving || child.state == ChildState::Starting;
    if (counts && is_fresh(before, child.id)) ++fresh;
    if (counts && !is_fresh(before, child.id)) ++old_serving;
    const bool retired =
        child.state == ChildState::Draining &&
        std::find(before.workers.begin(), before.workers.end(), child.id) != before.workers.end();
    if (retired) return true;
  }
  return old_serving > 0 && fresh > 0 &&
         old_serving + fresh > std::max(before.workers.size(), workers_most);
}

std::vector<WorkerRow> worker_rows(const Snapshot& before, const ProcessView& now) {
  std::vector<WorkerRow> rows;
  for (const auto& child : now.children) {
    if (child.state == ChildState::Other) continue;
    const char* state = child.state == ChildState::Draining ? "draining" : "serving";
    if (child.state == ChildState::Starting) state = "starting";
    rows.push_back({child.id, state, is_fresh(before, child.id)});
  }
  return rows;
}

}  // namespace kongfleet::agent
