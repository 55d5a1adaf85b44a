// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// A gateway that plays Kong's command and its nginx master, so small that a reload takes two
// milliseconds: the proofs of this directory make tens of thousands of them.
//
//   tiny-kong version
//   tiny-kong start|prepare|reload|stop [-c FILE] -p PREFIX
//   tiny-kong config parse DECLARATIVE -c FILE -p SCRATCH
//
// Honestly: there is no nginx, no Lua, no listener, no request in it. What it has is what an agent
// with admin = "none" and status = "none" goes by: .kong_env, nginx.conf, pids/nginx.pid, process
// titles, start times, and the lines of logs/error.log, as kong-live.md sections 1 to 3 have them.
// It "loads" a plugin by looking for a mark in its handler. Workers serve nothing, so old ones go
// at once, without nginx's 100 ms. There are always two. tests/gateway has the stand-in that
// serves.
//
// PREFIX/serving says what the master accepted last: lua_package_path, then plugins, a line each.
#include "tests/crash/tiny_master.hpp"
#include "tests/crash/tiny_settings.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string_view>

namespace kongfleet::crash {

namespace {

namespace fs = std::filesystem;

constexpr const char* prefix_variable = "TINY_KONG_PREFIX";
constexpr const char* ready_variable = "TINY_KONG_READY";

struct Arguments {
  std::vector<std::string> words;
  fs::path conf;
  fs::path prefix;
};

Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool option = (word == "-c" || word == "-p") && i + 1 < argc;
    if (!option) {
      arguments.words.emplace_back(word);
    } else {
      (word == "-c" ? arguments.conf : arguments.prefix) = argv[++i];
    }
  }
  return arguments;
}

int fail(const std::string& text) {
  std::cerr << "Error: " << text
            << "\n\n  Run with --v (verbose) or --vv (debug) for more details\n";
  return 1;
}

int fail_to(const std::string& doing, const fs::path& path) {
  return fail(doing + " " + path.string() + ": " + std::strerror(errno));
}

/// The prefix's master, if its process lives.
pid_t master_of(const fs::path& prefix) {
  const auto text = read_text(prefix / "pids/nginx.pid");
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  const auto title = read_text("/proc/" + std::to_string(pid) + "/cmdline");
  return pid > 0 && title.starts_with(master_title) ? pid : 0;
}

int render(const Settings& settings, const fs::path& prefix) {
  for (const char* directory : {"", "logs", "pids"}) {
    const auto path = prefix / directory;
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return fail_to("create", path);
  }
  if (!write_text(prefix / ".kong_env", to_kong_env(settings)))
    return fail_to("write", prefix / ".kong_env");
  if (!write_text(prefix / "nginx.conf", "worker_processes 2;\ndaemon on;\n"))
    return fail_to("write", prefix / "nginx.conf");
  return 0;
}

int prepare(const Arguments& arguments) {
  if (::access(arguments.conf.c_str(), R_OK) != 0) return fail_to("no file at:", arguments.conf);
  const auto settings = with_defaults(parse_settings(read_text(arguments.conf)));
  return render(settings, arguments.prefix);
}

/// .kong_env is sticky: what was there stays where the file says nothing (kong-live.md section 2).
int reload(const Arguments& arguments) {
  const auto master = master_of(arguments.prefix);
  if (master == 0) return fail("nginx not running in prefix: " + arguments.prefix.string());
  if (::access(arguments.conf.c_str(), R_OK) != 0) return fail_to("no file at:", arguments.conf);
  const auto text = read_text(arguments.prefix / ".kong_env") + "\n" + read_text(arguments.conf);
  const int rendered = render(with_defaults(parse_settings(text)), arguments.prefix);
  if (rendered != 0) return rendered;
  if (::kill(master, SIGHUP) != 0) return fail(std::string("HUP: ") + std::strerror(errno));
  std::cout << "Kong reloaded\n";
  return 0;
}

int config_parse(const Arguments& arguments) {
  const auto settings = with_defaults(parse_settings(read_text(arguments.conf)));
  const auto problem = why_not_loadable(settings, Loader::Parse);
  if (!problem.empty()) return fail(problem);
  std::cout << "parse successful\n";
  return 0;
}

[[noreturn]] void become_master(const fs::path& prefix, int ready) {
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  const int nothing = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) ::dup2(nothing, fd);
  const auto title = std::string(master_title) + " /usr/local/openresty/nginx/sbin/nginx -p " +
                     prefix.string() + " -c nginx.conf";
  ::setenv(prefix_variable, prefix.c_str(), 1);
  ::setenv(ready_variable, std::to_string(ready).c_str(), 1);
  ::execl("/proc/self/exe", title.c_str(), nullptr);
  ::_exit(1);
}

/// Comes back when the master has loaded the plugins and has its workers.
int start(const Arguments& arguments) {
  if (master_of(arguments.prefix) != 0)
    return fail("Kong is already running in " + arguments.prefix.string());
  if (const int prepared = prepare(arguments); prepared != 0) return prepared;
  int ends[2];
  if (::pipe(ends) != 0) return fail("make a pipe");
  if (::fork() == 0) become_master(arguments.prefix, ends[1]);
  ::close(ends[1]);
  char byte = 0;
  if (::read(ends[0], &byte, 1) != 1) return fail("nginx: see logs/error.log");
  std::cout << "Kong started\n";
  return 0;
}

int stop(const Arguments& arguments) {
  const auto master = master_of(arguments.prefix);
  if (master == 0) return fail("nginx not running in prefix: " + arguments.prefix.string());
  return ::kill(master, SIGTERM) == 0 ? 0 : 1;
}

int run(const Arguments& arguments) {
  const auto& words = arguments.words;
  const std::string command = words.empty() ? "" : words.front();
  if (command == "version") {
    std::cout << "3.4.2\n";
    return 0;
  }
  if (command == "prepare") return prepare(arguments);
  if (command == "reload") return reload(arguments);
  if (command == "start") return start(arguments);
  if (command == "stop") return stop(arguments);
  if (command == "config" && words.size() == 3 && words[1] == "parse")
    return config_parse(arguments);
  return fail("no such command: " + command);
}

}  // namespace

}  // namespace kongfleet::crash

int main(int argc, char** argv) {
  using namespace kongfleet::crash;
  const char* prefix = std::getenv(prefix_variable);
  const char* ready = std::getenv(ready_variable);
  if (std::string_view(argv[0]).starts_with(master_title) && prefix != nullptr &&
      ready != nullptr) {
    return run_master(prefix, {argv[0], std::strlen(argv[0]) + 1}, std::atoi(ready));
  }
  return run(parse_arguments(argc, argv));
}
