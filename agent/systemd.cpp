// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_unit.hpp"
#include "agent/preflight.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace kongfleet::agent {
namespace {

// What a journal may give for one verification.
constexpr std::size_t journal_bytes_max = std::size_t{1} << 20;

constexpr std::chrono::milliseconds words_patience{1000};
constexpr std::chrono::milliseconds words_interval{50};

constexpr std::string_view cursor_mark = "-- cursor: ";

}  // namespace

bool Systemd::present() const {
  std::error_code ignored;
  return std::filesystem::exists(paths_.systemd, ignored) &&
         find_program("systemctl", paths_.path).has_value();
}

ChildResult Systemd::run(std::vector<std::string> argv,
                         std::chrono::steady_clock::time_point deadline,
                         const std::function<bool()>& wanted) const {
  ChildRequest request;
  request.argv = std::move(argv);
  request.environment = {"PATH=" + paths_.path, "LC_ALL=C", "SYSTEMD_COLORS=0", "SYSTEMD_PAGER="};
  request.deadline = deadline;
  request.output_max = journal_bytes_max;
  request.wanted = wanted;
  return run_child(request);
}

std::vector<KongUnit> Systemd::show(const std::vector<std::string>& names,
                                    std::chrono::steady_clock::time_point deadline) const {
  std::vector<std::string> argv{"systemctl", "show", "--no-pager"};
  for (const char* property :
       {"Id", "LoadState", "ActiveState", "MainPID", "ExecReload", "ExecStartPre", "ExecStart",
        "User", "PrivateTmp", "FragmentPath", "DropInPaths", "Environment", "EnvironmentFiles"}) {
    argv.emplace_back("-p");
    argv.emplace_back(property);
  }
  argv.emplace_back("--");
  argv.insert(argv.end(), names.begin(), names.end());
  auto units = parse_units(run(std::move(argv), deadline).output);
  std::erase_if(units, [](const KongUnit& unit) { return !unit.loaded; });
  if (units.empty()) return units;
  auto inherited =
      parse_manager_environment(run({"systemctl", "show-environment"}, deadline).output);
  find_places(inherited, paths_.systemd_conf);
  for (auto& unit : units) {
    unit.variables = inherited;
    read_environment(unit);
  }
  return units;
}

std::string Systemd::properties(const std::string& unit, const std::vector<std::string>& names,
                                std::chrono::steady_clock::time_point deadline) const {
  std::vector<std::string> argv{"systemctl", "show", "--no-pager"};
  for (const auto& name : names) argv.insert(argv.end(), {"-p", name});
  argv.insert(argv.end(), {"--", unit});
  return run(std::move(argv), deadline).output;
}

std::string Systemd::daemon_reload(std::chrono::steady_clock::time_point deadline) const {
  const auto result = run({"systemctl", "daemon-reload"}, deadline);
  if (result.timed_out) return "systemctl daemon-reload: no end within the time allowed";
  if (result.ok()) return "";
  return "systemctl daemon-reload: " + printable(result.text(), 500);
}

std::string Systemd::reload(const std::string& unit, std::chrono::steady_clock::time_point deadline,
                            const std::function<bool()>& runs) const {
  const auto result = run({"systemctl", "reload", "--", unit}, deadline, runs);
  if (result.unwanted) return "systemctl reload " + unit + ": Kong is gone, so nothing reloads";
  if (result.timed_out) return "systemctl reload " + unit + ": no end within the time allowed";
  if (result.ok()) return "";
  std::string text = result.text();
  if (text.empty()) text = "exit code " + std::to_string(result.exit_code);
  const auto words = last_words(unit);
  return "systemctl reload " + unit + ": " + (words.empty() ? text : words);
}

/// systemctl says only that a job failed; the reason is what `kong prepare` wrote to the journal,
/// which takes it in its own time.
std::string Systemd::last_words(const std::string& unit) const {
  const auto limit = std::chrono::steady_clock::now() + words_patience;
  while (std::chrono::steady_clock::now() < limit) {
    const auto result =
        run({"journalctl", "-q", "--no-pager", "-o", "cat", "-u", unit, "-n", "40", "--since=-60s"},
            limit + words_patience);
    if (!result.ok()) return "";
    const auto error = result.output.rfind("Error: ");
    if (error != std::string::npos)
      return findings_in(std::string_view(result.output).substr(error), "").front().text;
    std::this_thread::sleep_for(words_interval);
  }
  return "";
}

ChildResult Systemd::run_like(const KongUnit& unit, const std::vector<std::string>& argv,
                              const std::vector<std::string>& extra,
                              const std::vector<std::string>& without,
                              std::chrono::steady_clock::time_point deadline) const {
  const auto left =
      std::chrono::duration_cast<std::chrono::seconds>(deadline - std::chrono::steady_clock::now());
  std::vector<std::string> command{
      "systemd-run", "--wait",  "--pipe",
      "--collect",   "--quiet", "--description=kongfleet: Kong reads a candidate"};
  const auto property = [&](const std::string& text) {
    command.emplace_back("-p");
    command.push_back(text);
  };
  // systemd ends it even when we are gone; our own deadline comes first.
  property("RuntimeMaxSec=" + std::to_string(std::max<long long>(left.count(), 0) + 5));
  property("LimitCORE=0");  // Kong's command reads passwords, and runs what nobody has tried yet
  if (!unit.user.empty()) property("User=" + unit.user);
  for (const auto& file : unit.environment_files) property("EnvironmentFile=" + file.string());
  command.insert(command.end(), {"--", "/usr/bin/env"});
  // A file would beat what systemd-run is told: env(1) comes after both.
  for (const auto& name : without) command.push_back("--unset=" + name);
  for (const auto& entry : unit.unset) {
    const auto name = entry.text.substr(0, entry.text.find('='));
    if (unit.variable(name) == nullptr) command.push_back("--unset=" + name);
  }
  command.push_back("PATH=" + paths_.path);
  command.insert(command.end(), extra.begin(), extra.end());
  command.insert(command.end(), argv.begin(), argv.end());
  auto result = run(std::move(command), deadline);
  const bool too_old =
      !result.ok() && (result.errors.find("unrecognized option") != std::string::npos ||
                       result.errors.find("no such command") != std::string::npos);
  if (too_old) result = ChildResult{127, false, "", "unsupported"};
  return result;
}

std::string Systemd::journal_cursor(std::chrono::steady_clock::time_point deadline) const {
  const auto result =
      run({"journalctl", "-n", "1", "--show-cursor", "-q", "-o", "cat", "--no-pager"}, deadline);
  const auto mark = result.output.rfind(cursor_mark);
  if (!result.ok() || mark == std::string::npos) return "";
  const auto begin = mark + cursor_mark.size();
  return result.output.substr(begin, result.output.find('\n', begin) - begin);
}

std::optional<std::string> Systemd::journal_after(
    const std::string& unit, const std::string& cursor,
    std::chrono::steady_clock::time_point deadline) const {
  if (cursor.empty()) return std::nullopt;
  const auto result =
      run({"journalctl", "-q", "--no-pager", "-o", "cat", "-u", unit, "--after-cursor=" + cursor},
          deadline);
  if (!result.ok()) return std::nullopt;
  return result.output;
}

}  // namespace kongfleet::agent
