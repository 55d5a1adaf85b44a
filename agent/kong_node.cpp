// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/kong_node.hpp"

#include "agent/kong_processes.hpp"
#include "agent/kong_settings.hpp"
#include "agent/log.hpp"
#include "agent/preflight.hpp"
#include "agent/probe.hpp"
#include "agent/stale_sockets.hpp"
#include "agent/unit_commands.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace kongfleet::agent {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto version_timeout = 20s;  // resty on a busy machine; 0.2 s on an idle one
constexpr auto systemctl_timeout = 10s;
constexpr auto api_timeout = 2s;

/// Addresses of Kong's APIs: as configured, or as Kong itself has them.
std::string api_url(const std::string& choice, const std::optional<std::string>& listen) {
  if (choice == "none") return "";
  if (choice != "auto") return choice;
  return listen ? base_url_of(*listen).value_or("") : "";
}

std::string admin_url(const Config& config, const KongSettings& settings) {
  // A data plane answers on admin_listen with nothing (kong.md section 5).
  if (config.admin == "auto" && settings.value("role") == "data_plane") return "";
  return api_url(config.admin, settings.value("admin_listen").value_or("127.0.0.1:8001"));
}

std::string status_url(const Config& config, const KongSettings& settings,
                       const std::string& version) {
  const char* by_default = version_at_least(version, 3, 6) ? "127.0.0.1:8007" : "off";
  return api_url(config.status, settings.value("status_listen").value_or(by_default));
}

AdminLook look_of(const AdminAnswer& answer) {
  using Kind = AdminLook::Kind;
  switch (answer.kind) {
    case AdminAnswer::Kind::Silent:
      return {Kind::Silent, answer.text};
    case AdminAnswer::Kind::Forbidden:
      return {Kind::Forbids, answer.text};
    case AdminAnswer::Kind::Broken:
      return {Kind::Wrong, answer.text};
    case AdminAnswer::Kind::Told:
      break;
  }
  return {Kind::Answers, ""};
}

/// proxy_error_log as a file, or nothing where it is a stream or a syslog.
std::filesystem::path error_log_of(const KongSettings& settings,
                                   const std::filesystem::path& prefix) {
  const std::filesystem::path log = settings.value("proxy_error_log").value_or("logs/error.log");
  const auto text = log.string();
  if (text.empty() || text == "stderr" || text.starts_with("syslog:") || text.starts_with("/dev/"))
    return "";
  return log.is_absolute() ? log : prefix / log;
}

std::string file_key(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return file.string();
  return file.string() + " " + std::to_string(status.st_ino) + " " +
         std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

/// "2.8.5", "3.4.2", "Kong Enterprise 3.4.3.5": the first word that begins with a digit.
std::string version_in(std::string_view text) {
  const auto begin = text.find_first_of("0123456789");
  if (begin == std::string_view::npos) return "";
  text.remove_prefix(begin);
  return printable(text.substr(0, text.find_first_of(" \t\r\n,")), 60);
}

}  // namespace

KongNode::KongNode(const Config& config, HostPaths paths)
    : config_(config),
      paths_(std::move(paths)),
      http_(paths_.hosts),
      admin_(http_),
      systemd_(paths_) {}

std::filesystem::path KongNode::find_binary() const {
  const auto binary = find_program(config_.binary, paths_.path);
  if (!binary || ::access(binary->c_str(), X_OK) != 0)
    throw Error("find Kong's command '" + config_.binary +
                "': there is none; install Kong, or name its command as [kong] binary in "
                "agent.toml");
  return *binary;
}

std::string KongNode::version_of(const std::filesystem::path& binary) {
  const std::scoped_lock lock(version_lock_);
  // An upgrade may leave the command as it was; meta.lua holds the version itself.
  const auto meta = binary.parent_path().parent_path() / "share/lua/5.1/kong/meta.lua";
  const std::string key = file_key(binary) + " " + file_key(meta);
  if (key == version_key_ && !version_.empty()) return version_;
  ChildRequest request;
  request.argv = {binary.string(), "version"};
  request.environment = {"PATH=" + binary.parent_path().string() + ":" + paths_.path, "HOME=/"};
  request.deadline = Clock::now() + version_timeout;
  const auto result = run_child(request);
  const auto version = version_in(result.output);
  if (!result.ok() || version.empty())
    throw Error("ask '" + binary.string() + "' for its version: " +
                (result.timed_out ? "no answer in time" : printable(result.text(), 500)));
  version_key_ = key;
  version_ = version;
  return version_;
}

std::vector<KongUnit> KongNode::units() const {
  if (config_.unit == "none") return {};
  const bool named = config_.unit != "auto";
  if (!systemd_.present()) {
    if (!named) return {};
    throw Error("find unit '" + config_.unit +
                "': systemd does not run this host; set [kong] unit = \"none\" in agent.toml");
  }
  auto units = systemd_.show(
      named ? std::vector<std::string>{config_.unit}
            : std::vector<std::string>{"kong.service", "kong-enterprise-edition.service"},
      Clock::now() + systemctl_timeout);
  if (named && units.empty())
    throw Error("find unit '" + config_.unit +
                "': systemd has none of this name; correct [kong] unit in agent.toml");
  return units;
}

const KongUnit* KongNode::owner_of(int master, const std::vector<KongUnit>& units) const {
  for (const auto& unit : units)
    if (master != 0 && unit.main_pid == master) return &unit;
  if (units.empty()) return nullptr;
  // A Kong that does not run belongs to the unit that would start it; one that runs outside of
  // every unit, to none.
  if (master == 0) return &units.front();
  if (config_.unit == "auto") return nullptr;
  throw Error("manage Kong by unit '" + units.front().name + "': its main process is " +
              std::to_string(units.front().main_pid) + ", but Kong's master process is " +
              std::to_string(master) +
              ": it was started outside of the unit; stop that one and start the unit");
}

std::optional<KongUnit> KongNode::unit(const GatewayFacts& facts) const {
  if (facts.unit.empty()) return std::nullopt;
  auto units = systemd_.show({facts.unit}, Clock::now() + systemctl_timeout);
  if (units.empty()) return std::nullopt;
  return std::move(units.front());
}

/// The unit's own word on the prefix counts where the unit is what runs, or would run, Kong.
std::filesystem::path KongNode::prefix_in(const GatewayFacts& facts,
                                          const std::vector<KongUnit>& units) const {
  if (!config_.prefix.empty()) return config_.prefix;
  const auto of_conf = prefix_of(facts.conf, dialect_of(facts.version));
  for (const auto& unit : units) {
    const auto of_unit = prefix_of_unit(unit);
    const bool by_hand = unit.main_pid == 0 && KongProcesses(of_conf, paths_.proc).master();
    if (!of_unit.empty() && !by_hand) return of_unit;
  }
  return of_conf;
}

/// A unit's commands begin in "/"; whoever started Kong by hand, anywhere. Where the kernel lets us
/// see it, that counts.
std::filesystem::path KongNode::directory_of(const std::optional<KongMaster>& master,
                                             bool by_unit) const {
  std::error_code error;
  std::filesystem::path seen;
  if (master)
    seen =
        std::filesystem::read_symlink(paths_.proc / std::to_string(master->id.pid) / "cwd", error);
  return !master || error ? (by_unit ? "/" : "") : seen;
}

GatewayFacts KongNode::inspect() {
  GatewayFacts facts;
  facts.conf = config_.conf;
  facts.binary = find_binary();
  facts.version = version_of(facts.binary);
  const auto candidates = units();
  facts.prefix = prefix_in(facts, candidates);
  const KongSettings settings(facts.conf, facts.prefix, dialect_of(facts.version));
  if (settings.conf() == nullptr && config_.configure == "file")
    throw Error("read '" + facts.conf.string() +
                "': there is no such file; where Kong reads /etc/kong.conf, move that to "
                "/etc/kong/kong.conf, where it looks first; else Kong's packages bring only "
                "kong.conf.default: copy it there, or name the file in use as [kong] conf in "
                "agent.toml");
  const auto master = KongProcesses(facts.prefix, paths_.proc).master();
  facts.running = master.has_value();
  const auto* owner = owner_of(master ? master->id.pid : 0, candidates);
  if (owner != nullptr) facts.unit = owner->name;
  facts.starting = !facts.running && owner != nullptr &&
                   (owner->active == "activating" || owner->active == "reloading");
  facts.stopping = facts.running && owner != nullptr && owner->active == "deactivating";
  find_configuration(facts, settings, owner);
  facts.directory = directory_of(master, owner != nullptr);
  facts.role = settings.value("role").value_or("traditional");
  facts.admin = admin_url(config_, settings);
  facts.status = status_url(config_, settings, facts.version);
  facts.admin_outer = outer_address(facts.admin);
  facts.status_outer = outer_address(facts.status);
  facts.error_log = error_log_of(settings, facts.prefix);
  facts.effective_path = settings.effective("lua_package_path").value_or("");
  facts.effective_plugins = settings.effective("plugins").value_or("");
  if (facts.running && !facts.admin.empty()) ask_admin(facts, master->id.pid);
  return facts;
}

std::string KongNode::outer_address(const std::string& url) const {
  const auto parsed = HttpUrl::parse(url);
  const auto* good = std::get_if<HttpUrl>(&parsed);
  if (good == nullptr) return "";
  const auto address = http_.address_of(good->at.host).value_or(good->at.host);
  return is_local(address) ? "" : address;
}

// After a rejected reload .kong_env already names what was rejected; a worker knows what it runs.
void KongNode::ask_admin(GatewayFacts& facts, int master) const {
  const auto answer = admin_.root(facts.admin, Clock::now() + api_timeout);
  facts.admin_look = look_of(answer);
  if (answer.root.master && *answer.root.master != master) {
    facts.admin_look = {AdminLook::Kind::Wrong, "another Kong answers at " + facts.admin +
                                                    ", whose master process is " +
                                                    std::to_string(*answer.root.master)};
    return;
  }
  if (answer.root.lua_package_path) facts.effective_path = *answer.root.lua_package_path;
  if (!answer.root.plugins) return;
  facts.effective_plugins.clear();
  for (const auto& plugin : *answer.root.plugins)
    facts.effective_plugins += (facts.effective_plugins.empty() ? "" : ",") + plugin;
}

ChildResult KongNode::run_kong(const GatewayFacts& facts, std::vector<std::string> arguments,
                               const std::vector<std::string>& extra, Time deadline) const {
  ChildRequest request;
  request.argv = {facts.binary.string()};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  std::string home = "/";
  KongUnit apart;  // no unit's environment, and the master's user
  const auto master = KongProcesses(facts.prefix, paths_.proc).master();
  if (master && ::geteuid() == 0 && master->uid != 0) {
    const auto owner = UnixUsers(paths_.passwd, paths_.group).find(master->uid);
    request.user = ChildUser{owner.uid, owner.gid, owner.groups};
    home = owner.home;
    apart.user = owner.name.empty() ? std::to_string(owner.uid) : owner.name;
  }
  request.environment = {"PATH=" + facts.binary.parent_path().string() + ":" + paths_.path,
                         "HOME=" + home};
  request.environment.insert(request.environment.end(), extra.begin(), extra.end());
  request.deadline = deadline;
  // Our own unit is locked down, Kong's prefix read-only in it: where there is systemd, Kong's
  // command runs as a transient unit of its own.
  if (systemd_.present() && ::geteuid() == 0) {
    auto result = systemd_.run_like(apart, request.argv, request.environment, {}, request.deadline);
    if (result.exit_code != 127 || result.errors != "unsupported") return result;
  }
  return run_child(request);
}

std::string KongNode::reload(const GatewayFacts& facts, Time deadline) {
  auto problem = watched(facts, [&] { return request_reload(facts, deadline); });
  return problem.empty() ? problem : secrets(facts, unit(facts)).masked(std::move(problem));
}

std::string KongNode::request_reload(const GatewayFacts& facts, Time deadline) const {
  const KongProcesses processes(facts.prefix, paths_.proc);
  const auto master = processes.master();
  if (!master)
    return "Kong is not running: '" + (facts.prefix / "pids/nginx.pid").string() +
           "' names no nginx master process; start it";
  const auto runs = [&] { return processes.master().has_value(); };
  if (!facts.unit.empty()) return systemd_.reload(facts.unit, deadline, runs);
  // `prepare` makes .kong_env from kong.conf alone. `kong reload` would keep every key that ever
  // was there (kong-live.md 2), and signals whoever has the pid by then; Kong's own unit does as
  // this does.
  const auto result = run_kong(
      facts, {"prepare", "-c", facts.conf.string(), "-p", facts.prefix.string()}, {}, deadline);
  if (result.timed_out) return "kong prepare: no end within the time allowed";
  if (!result.ok())
    return "kong prepare: exit code " + std::to_string(result.exit_code) + ": " +
           printable(findings_in(result.text(), "").front().text, 2000);
  const auto problem = processes.signal(master->id, SIGHUP);
  if (problem.empty()) return "";
  return "signal HUP to Kong's master process " + std::to_string(master->id.pid) + ": " + problem;
}

void KongNode::make_way(const GatewayFacts& facts) noexcept {
  try {
    for (const auto& path : remove_stale_sockets(facts.prefix))
      log_info("removed stale '" + path + "'");
  } catch (const std::exception& error) {
    log_warning(std::string("stale sockets stay: ") + error.what());
  }
}

ProbeOutcome KongNode::probe(const ProbeSpec& probe, Time deadline) {
  auto outcome = run_probe(probe, paths_, http_, deadline);
  if (!outcome.ok && !outcome.came.empty())
    log_warning("probe '" + probe.name + "': " + outcome.detail + "; what came: " + outcome.came);
  return outcome;
}

}  // namespace kongfleet::agent
