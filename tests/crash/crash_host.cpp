// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/crash_host.hpp"

#include "proto/error.hpp"
#include "tests/crash/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace kongfleet::crash {

namespace {

constexpr auto death_limit = std::chrono::seconds(10);

void write(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw_errno("write", path);
}

std::string kong_conf(const fs::path& prefix) {
  return "# Kong of a host that was there before kongfleet\nprefix = " + prefix.string() +
         "\ndatabase = off\nproxy_listen = off   # no request is ever made\n\n"
         "plugins = bundled\nlua_package_path = /usr/share/lua/5.1/?.lua;;\n"
         "log_level = notice\n# the end\n";
}

std::string agent_toml(const CrashHost& host) {
  return "[kong]\nconf = \"" + host.conf().string() + "\"\nprefix = \"" + host.prefix().string() +
         "\"\nbinary = \"" + kong_program().string() +
         "\"\nunit = \"none\"\nadmin = \"none\"\nstatus = \"none\"\n[agent]\nsocket = \"" +
         host.socket().string() + "\"\nstate = \"" + host.state().string() +
         "\"\nreserve = \"0B\"\nkeep = 2\n";  // so that a rollback deletes what it left
}

}  // namespace

fs::path agent_program() { return KONGFLEET_AGENT; }
fs::path kong_program() { return KONGFLEET_TINY_KONG; }

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw_errno("read", path);
  return text.str();
}

void CrashHost::make() const {
  fs::remove_all(root_);
  for (const auto& path : {conf().parent_path(), state(), prefix()}) fs::create_directories(path);
  for (auto path = state(); path != root_.parent_path(); path = path.parent_path())
    fs::permissions(path, fs::perms(0755));
  write(conf(), kong_conf(prefix()));
  if (::chown(conf().c_str(), conf_owner, conf_group) != 0 ||
      ::chmod(conf().c_str(), conf_mode) != 0)
    throw_errno("give away", conf());
  write(config(), agent_toml(*this));
}

void CrashHost::start_kong() const {
  // Not removed: on a full disk what is given back may not be had again at once.
  const auto serving = prefix() / "serving";
  if (fs::exists(serving)) std::fstream(serving, std::ios::in | std::ios::out) << '\n';
  run({kong_program(), "start", "-c", conf(), "-p", prefix()});
}

void CrashHost::kill_kong() const {
  const auto pid_file = prefix() / "pids/nginx.pid";
  if (!fs::exists(pid_file)) return;
  const auto text = content_of(pid_file);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  if (pid <= 0 || ::kill(pid, SIGKILL) != 0) return;
  // Whoever inherited it reaps it; a zombie is dead enough, and its workers follow at once.
  const auto stat = "/proc/" + text.substr(0, text.find('\n')) + "/stat";
  const auto over = [&stat] {
    std::ifstream file(stat);
    std::string line;
    std::getline(file, line);
    const auto name_end = line.rfind(") ");
    return name_end == std::string::npos || line[name_end + 2] == 'Z';
  };
  if (!comes_true(over, Clock::now() + death_limit)) throw Error("kill Kong: it does not die");
}

std::string CrashHost::serving() const {
  const auto file = prefix() / "serving";
  if (!fs::exists(file)) return "";
  const auto text = content_of(file);
  return text.substr(0, text.find('\n'));
}

}  // namespace kongfleet::crash
