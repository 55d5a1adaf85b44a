// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/kong_fixture.hpp"

#include "agent/child_process.hpp"
#include "agent/fd.hpp"
#include "agent/host_paths.hpp"
#include "agent/kong_processes.hpp"
#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

namespace kongfleet::agent::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

const char* real_kong() { return std::getenv("KONGFLEET_TEST_KONG"); }

/// Ports that are free now; held together, so that they differ.
std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<Fd> held;
  std::vector<std::uint16_t> ports;
  while (ports.size() < count) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket.get(), generic, size) == 0);
    REQUIRE(::getsockname(socket.get(), generic, &size) == 0);
    ports.push_back(ntohs(address.sin_port));
    held.push_back(std::move(socket));
  }
  return ports;
}

std::string on(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

}  // namespace

std::vector<std::string> TestKong::versions() {
  if (real_kong() != nullptr) return {"real"};
  return {"2.8.5", "3.4.2"};
}

TestKong::TestKong(const std::string& version, const std::vector<std::string>& settings)
    : settings_(settings), ports_(free_ports(3)) {
  std::string name = (fs::temp_directory_path() / "kf-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  directory_ = name;
  ::chmod(name.c_str(), 0755);  // workers run as another user
  fs::create_directories(directory_ / "state");
  if (real_kong() != nullptr) {
    binary_ = real_kong();
  } else {
    // The agent runs Kong with an environment of its own, so the version can't come from ours.
    binary_ = directory_ / "bin" / "kong";
    write(binary_, "#!/bin/sh\nKONG_STANDIN_VERSION=" + version +
                       "\nexport KONG_STANDIN_VERSION\nexec " + KONGFLEET_SOURCE +
                       "/tests/gateway/kong \"$@\"\n");
    ::chmod(binary_.c_str(), 0755);
  }
  write(directory_ / "kong.yml",
        "_format_version: \"2.1\"\nservices:\n- name: s\n  url: http://" + on(ports_[2]) +
            "/status\n  routes:\n  - {name: r, paths: [\"/a\"]}\nplugins:\n- {name: my-plugin}\n");
  make("gen1", "1.0.0");
  make("gen2", "2.0.0");
  bool hybrid = false;
  for (auto& setting : settings_) {
    hybrid = hybrid || setting.starts_with("cluster_cert");
    for (auto at = setting.find('@'); at != std::string::npos; at = setting.find('@'))
      setting.replace(at, 1, directory_.string());
  }
  if (hybrid) make_certificate();
  configure("gen1");
}

void TestKong::make_certificate() const {
  ChildRequest request;
  request.argv = {"openssl",
                  "req",
                  "-x509",
                  "-newkey",
                  "ec",
                  "-pkeyopt",
                  "ec_paramgen_curve:prime256v1",
                  "-nodes",
                  "-days",
                  "2",
                  "-subj",
                  "/CN=kong_clustering",
                  "-keyout",
                  (directory_ / "cluster.key").string(),
                  "-out",
                  (directory_ / "cluster.crt").string()};
  request.environment = {"PATH=" + HostPaths().path};
  request.deadline = Clock::now() + 60s;
  const auto result = run_child(request);
  INFO(result.text());
  REQUIRE(result.ok());
}

TestKong::~TestKong() {
  const KongProcesses processes(directory_ / "k", "/proc");
  const auto master = processes.master();
  if (master) ::kill(master->id.pid, SIGTERM);
  const auto limit = Clock::now() + 10s;
  while (master && processes.lives(master->id) && Clock::now() < limit)
    std::this_thread::sleep_for(5ms);
  if (master && processes.lives(master->id)) ::kill(master->id.pid, SIGKILL);
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void TestKong::write(const fs::path& file, const std::string& text) const {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

void TestKong::make(const std::string& name, const std::string& version, std::string handler) {
  if (handler.empty())
    handler = "local H = { PRIORITY = 1000, VERSION = \"" + version +
              "\" }\nfunction H:header_filter(conf) kong.response.set_header(\"X-MyPlugin\", "
              "H.VERSION) end\nreturn H\n";
  fs::remove_all(gen(name));
  const auto plugin = gen(name) / "kong/plugins/my-plugin";
  write(plugin / "handler.lua", handler);
  write(plugin / "schema.lua",
        "return { name = \"my-plugin\", fields = { { config = { type = \"record\", fields = { { "
        "greeting = { type = \"string\", default = \"hi\" } } } } } } }\n");
}

std::string TestKong::path_value(const std::string& generation) const {
  return gen(generation).string() + "/?.lua;;";
}

void TestKong::configure(const std::string& generation, const std::string& plugins) {
  std::string text =
      "prefix = " + (directory_ / "k").string() +
      "\ndatabase = off\ndeclarative_config = " + (directory_ / "kong.yml").string() +
      "\nproxy_listen = " + on(ports_[0]) + "\nadmin_listen = " + on(ports_[1]) +
      "\nstatus_listen = " + on(ports_[2]) +
      "\nadmin_gui_listen = off\nnginx_worker_processes = 2\n"
      "anonymous_reports = off\nlog_level = notice\n";
  for (const auto& setting : settings_) text += setting + "\n";
  text += "plugins = " + plugins + "\nlua_package_path = " + path_value(generation) + "\n";
  write(directory_ / "kong.conf", text);
}

int TestKong::command(const std::vector<std::string>& arguments) const {
  ChildRequest request;
  request.argv = {binary_.string()};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  request.environment = {"PATH=" + binary_.parent_path().string() + ":" + HostPaths().path,
                         "HOME=/"};
  request.deadline = Clock::now() + 60s;
  const auto result = run_child(request);
  UNSCOPED_INFO(result.text());
  CHECK_FALSE(result.timed_out);
  if (result.exit_code != 0) UNSCOPED_INFO(result.text());  // for the caller
  return result.exit_code;
}

void TestKong::start() {
  REQUIRE(command({"start", "-c", (directory_ / "kong.conf").string(), "-p",
                   (directory_ / "k").string()}) == 0);
  // nginx's first process ends, and with it the command, before the one in the background wrote
  // its pid down.
  const KongProcesses processes(directory_ / "k", "/proc");
  const auto limit = Clock::now() + 20s;
  while (!processes.master() && Clock::now() < limit) std::this_thread::sleep_for(5ms);
  REQUIRE(processes.master());
}

void TestKong::post_config() const {
  ChildRequest request;
  request.argv = {"curl",
                  "--silent",
                  "--fail",
                  "--data-urlencode",
                  "config@" + (directory_ / "kong.yml").string(),
                  "http://" + on(ports_[1]) + "/config"};
  request.environment = {"PATH=" + HostPaths().path};
  request.deadline = Clock::now() + 60s;
  const auto result = run_child(request);
  INFO(result.text());
  REQUIRE(result.ok());
}

Config TestKong::config() const {
  Config config;
  config.conf = directory_ / "kong.conf";
  config.binary = binary_;
  config.unit = "none";
  config.state = directory_ / "state";
  return config;
}

std::string TestKong::answer() const {
  const auto url = HttpUrl::parse("http://" + proxy() + "/a");
  const HttpClient client("/etc/hosts");
  const auto result = client.get(std::get<HttpUrl>(url), Clock::now() + 10s);
  if (!result.response) return result.error;
  return std::to_string(result.response->status) + " " +
         result.response->header("X-MyPlugin").value_or("-");
}

void TestKong::kill_all(const GatewayFacts& facts) const {
  const KongProcesses processes(facts.prefix, "/proc");
  const auto master = processes.master();
  REQUIRE(master);
  auto all = processes.children(master->id, KongProcesses::Care::Thorough);
  all.insert(all.begin(), KongChild{master->id});  // first: it would replace the others
  for (const auto& process : all) ::kill(process.id.pid, SIGKILL);
  const auto limit = Clock::now() + 20s;
  // Until init has reaped them: `kong start` takes a zombie for one that runs.
  for (const auto& process : all)
    while (::kill(process.id.pid, 0) == 0 && Clock::now() < limit) std::this_thread::sleep_for(5ms);
  CHECK(Clock::now() < limit);
}

void TestKong::kill_workers(const GatewayFacts& facts) const {
  const KongProcesses processes(facts.prefix, "/proc");
  const auto master = processes.master();
  REQUIRE(master);
  const auto before = processes.children(master->id, KongProcesses::Care::Thorough);
  for (const auto& child : before) ::kill(child.id.pid, SIGKILL);
  const auto replaced = [&] {
    const auto now = processes.children(master->id, KongProcesses::Care::Thorough);
    for (const auto& child : now) {
      if (child.state != ChildState::Serving) return false;
      for (const auto& old : before)
        if (old.id == child.id) return false;
    }
    return now.size() == before.size();
  };
  const auto limit = Clock::now() + 20s;
  while (!replaced() && Clock::now() < limit) std::this_thread::sleep_for(5ms);
  REQUIRE(replaced());
}

}  // namespace kongfleet::agent::test
