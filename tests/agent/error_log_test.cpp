// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/error_log.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kongfleet::agent::test {
namespace {

namespace fs = std::filesystem;

constexpr int master = 8372;

std::vector<LogEntry> parse(const std::string& text) {
  LogParser parser;
  parser.feed(text);
  return parser.entries();
}

LogSign sign(const std::string& level_pid_message) {
  const auto entries = parse("2026/11/23 09:12:00 " + level_pid_message + "\n");
  REQUIRE(entries.size() == 1);
  return sign_of(entries.front(), master);
}

/// A log in a directory of its own.
struct Log {
  Log() {
    std::string name = (fs::temp_directory_path() / "kfl-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory = name;
  }
  ~Log() { fs::remove_all(directory); }
  fs::path path() const { return directory / "error.log"; }
  void add(const std::string& text) const { std::ofstream(path(), std::ios::app) << text; }
  fs::path directory;
};

}  // namespace

TEST_CASE("an entry has level, pid and message, and the lines that follow it") {
  const auto entries = parse(
      "the rest of an older message\n"
      "2026/11/23 09:12:00 [error] 8372#0: init_by_lua error: x.lua:710: error loading:\n"
      "\t/opt/x/handler.lua:7: '<eof>' expected near 'local'\n"
      "2026/11/23 09:12:01 [notice] 8373#12: *5 [kong] init.lua:1 hello\r\n"
      "2026/11/23 09:12:01 [notice] 8373#0: not yet finis");
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].level == "error");
  CHECK(entries[0].pid == 8372);
  CHECK(entries[0].message ==
        "init_by_lua error: x.lua:710: error loading:\n"
        "\t/opt/x/handler.lua:7: '<eof>' expected near 'local'");
  CHECK(entries[1].pid == 8373);
  CHECK(entries[1].message == "*5 [kong] init.lua:1 hello");
}

TEST_CASE("what comes in pieces is the same as what comes at once") {
  const std::string text =
      "2026/11/23 09:12:00 [error] 8372#0: init_by_lua error: a\n\tb\n"
      "2026/11/23 09:12:01 [notice] 8373#0: c\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    LogParser parser;
    parser.feed(text.substr(0, cut));
    parser.feed(text.substr(cut));
    REQUIRE(parser.entries().size() == 2);
    CHECK(parser.entries()[0].message == "init_by_lua error: a\n\tb");
  }
}

TEST_CASE("a rejected reload is told by the master only") {
  CHECK(sign("[error] 8372#0: init_by_lua error: /x/init.lua:543: boom") == LogSign::Rejected);
  CHECK(sign("[error] 999#0: init_by_lua error: another nginx -t") == LogSign::Nothing);
  CHECK(sign("[emerg] 8372#0: unknown directive \"x\" in /k/nginx.conf:3") == LogSign::Rejected);
  CHECK(sign("[emerg] 999#0: unknown directive \"x\" in /k/nginx.conf:3") == LogSign::Nothing);
  CHECK(sign("[emerg] 8372#0: bind() to 127.0.0.1:1 failed (98: Address already in use)") ==
        LogSign::BindRetry);
  CHECK(sign("[emerg] 8372#0: still could not bind()") == LogSign::Rejected);
}

TEST_CASE("degraded and crashed workers are told apart from noise") {
  CHECK(sign("[crit] 9#0: *2 [lua] init.lua:1: init_worker(): worker initialization error: failed "
             "to execute; this node must be restarted") == LogSign::Degraded);
  CHECK(sign("[alert] 9#0: *7 [kong] init.lua:1 unsafe request processing due to earlier "
             "initialization errors; this node must be restarted (x)") == LogSign::Degraded);
  CHECK(sign("[alert] 8372#0: worker process 77 exited on signal 11") == LogSign::WorkerCrashed);
  CHECK(
      sign("[alert] 8372#0: worker process 77 exited with fatal code 2 and cannot be respawned") ==
      LogSign::WorkerCrashed);
  CHECK(sign("[notice] 8372#0: worker process 77 exited with code 0") == LogSign::Nothing);
  CHECK(sign("[notice] 8372#0: start worker processes") == LogSign::CycleStarted);
  CHECK(sign("[notice] 8372#0: start worker process 9") == LogSign::Nothing);
  CHECK(sign("[notice] 8372#0: reconfiguring") == LogSign::Heard);
  CHECK(sign("[crit] 9#0: *1 [lua] c.lua:1: could not reschedule DNS resolver timer: process "
             "exiting") == LogSign::Nothing);
  CHECK(sign("[error] 9#0: *675 [kong] init.lua:297 [my-plugin] x.lua:2: attempt to index local") ==
        LogSign::Nothing);
}

TEST_CASE("the crashed worker is named") {
  const auto entries =
      parse("2026/11/23 09:12:00 [alert] 8372#0: worker process 77 exited on signal 11\n");
  CHECK(crashed_worker(entries.front()) == 77);
}

TEST_CASE("a log that floods keeps what says something") {
  LogParser parser;
  parser.feed("2026/11/23 09:12:00 [error] 8372#0: init_by_lua error: a\n");
  for (int line = 0; line < 5000; ++line)
    parser.feed("2026/11/23 09:12:00 [notice] 9#0: noise " + std::to_string(line) + "\n");
  REQUIRE(parser.entries().size() <= LogParser::entries_max);
  CHECK(parser.entries().front().message == "init_by_lua error: a");
  CHECK(parser.entries().back().message == "noise 4999");
}

TEST_CASE("what is new is read, and only that") {
  const Log log;
  log.add("old\n");
  const auto position = end_of_log(log.path());
  LogFollower follower(log.path(), position);
  CHECK(follower.more() == "");
  log.add("new\n");
  CHECK(follower.more() == "new\n");
  CHECK(follower.more() == "");
}

TEST_CASE("a log that is rotated meanwhile loses no line") {
  const Log log;
  log.add("old\n");
  LogFollower follower(log.path(), end_of_log(log.path()));
  log.add("before\n");
  fs::rename(log.path(), log.directory / "error.log.1");
  std::ofstream(log.directory / "error.log.1", std::ios::app) << "between\n";
  log.add("after\n");
  CHECK(follower.more() == "before\nbetween\nafter\n");
  log.add("later\n");
  CHECK(follower.more() == "later\n");
}

TEST_CASE("a log that is truncated in place is read from its beginning") {
  const Log log;
  log.add("a long old line\n");
  LogFollower follower(log.path(), end_of_log(log.path()));
  fs::resize_file(log.path(), 0);
  log.add("new\n");
  CHECK(follower.more() == "new\n");
}

TEST_CASE("what is written to the renamed log after the new one came is read as well") {
  const Log log;
  log.add("old\n");
  LogFollower follower(log.path(), end_of_log(log.path()));
  fs::rename(log.path(), log.directory / "error.log.1");
  log.add("by a new worker\n");
  CHECK(follower.more() == "by a new worker\n");
  // The master still has the renamed one open.
  std::ofstream(log.directory / "error.log.1", std::ios::app) << "by the master\n";
  CHECK(follower.more() == "by the master\n");
  fs::remove(log.directory / "error.log.1");
  log.add("later\n");
  CHECK(follower.more() == "later\n");
}

TEST_CASE("a log that is away, or can't be read, is no empty one") {
  const Log log;
  LogFollower follower(log.path(), end_of_log(log.path()));
  CHECK_FALSE(follower.more());
  log.add("first\n");
  CHECK(follower.more() == "first\n");
  fs::remove(log.path());
  CHECK_FALSE(follower.more());
  log.add("again\n");
  CHECK(follower.more() == "again\n");
  LogFollower below_a_file(log.path() / "error.log", {});
  CHECK_FALSE(below_a_file.more());
}

TEST_CASE("an excerpt has errors first, is printable, and no longer than allowed") {
  const auto entries = parse(
      "2026/11/23 09:12:00 [notice] 1#0: noise\n"
      "2026/11/23 09:12:00 [error] 9#0: *1 bad \x1b[31m request\n"
      "2026/11/23 09:12:00 [error] 8372#0: init_by_lua error: a\n\tb\n");
  CHECK(log_excerpt(entries, master, 8192) ==
        "2026/11/23 09:12:00 [error] 8372#0: init_by_lua error: a\n   b\n"
        "2026/11/23 09:12:00 [error] 9#0: *1 bad \\x1b[31m request\n"
        "2026/11/23 09:12:00 [notice] 1#0: noise\n");
  CHECK(log_excerpt(entries, master, 70).size() <= 70);
}

TEST_CASE("what nginx appends about a request, a client's secrets, is kept nowhere") {
  const std::string request =
      ", client: 2001:db8::9, server: kong, request: \"GET /x?apikey=CANARY HTTP/1.1\", "
      "subrequest: "
      "\"/CANARY\", upstream: \"http://10.0.0.1:80/x?apikey=CANARY\", host: \"CANARY\", referrer: "
      "\"https://x/?CANARY\"";
  const auto head = std::string("2026/11/23 09:12:00 [error] 9#0: *675 ");
  const auto entries = parse(
      head + "[kong] init.lua:297 [my-plugin] x.lua:2: boom" + request + "\n" +  //
      head + "lua entry thread aborted: y.lua:3: boom\nstack traceback:\n\ty.lua:3: in f" +
      request + "\n" + head + "z.lua:4: boom\nstack traceback:\n\tz.lua:4: in g\n" + request +
      "\n" +  //
      head + "upstream failed, client: 10.0.0.9, server: kong, subrequest: \"/a\nCANARY\"\n" +
      head + "proxying, udp client: unix:, server: 0.0.0.0:9000, upstream: \"CANARY\"\n" + head +
      "unsafe request processing due to earlier initialization errors" + request + "\n");
  CHECK(log_excerpt(entries, master, 8192) ==
        head + "unsafe request processing due to earlier initialization errors\n" +  //
            head + "[kong] init.lua:297 [my-plugin] x.lua:2: boom\n" + head +
            "lua entry thread aborted: y.lua:3: boom\n  stack traceback:\n   y.lua:3: in f\n" +
            head + "z.lua:4: boom\n  stack traceback:\n   z.lua:4: in g\n" +  //
            head + "upstream failed\n" + head + "proxying\n");
  // Causes are made of messages.
  for (const auto& entry : entries) CHECK(entry.message.find("CANARY") == std::string::npos);
}

TEST_CASE("a message of one's own that names a client is shown whole") {
  const auto head = std::string("2026/11/23 09:12:00 [error] 9#0: *675 [lua] x.lua:2: ");
  const auto entries = parse(head + "refused, client: bob, on call\n" + head +
                             "lost, client: 10.0.0.9 left, client: 10.0.0.8, server: kong\n" +
                             head + "http client: 10\n");
  CHECK(log_excerpt(entries, master, 8192) == head + "refused, client: bob, on call\n" + head +
                                                  "lost, client: 10.0.0.9 left\n" + head +
                                                  "http client: 10\n");
}

TEST_CASE("an excerpt has nothing of the levels that write down requests") {
  const auto entries = parse(
      "2026/11/23 09:12:00 [info] 9#0: *1 client sent invalid header line: \"apikey: CANARY\"\n"
      "2026/11/23 09:12:00 [debug] 9#0: *1 http header: \"apikey: CANARY\"\n"
      "2026/11/23 09:12:00 [notice] 9#0: shown\n");
  CHECK(log_excerpt(entries, master, 8192) == "2026/11/23 09:12:00 [notice] 9#0: shown\n");
}

TEST_CASE("of a log that grows too fast, no end of a line is taken for one") {
  const Log log;
  log.add("old\n");
  LogFollower follower(log.path(), end_of_log(log.path()));
  std::string lines;
  while (lines.size() < std::size_t{5} << 20)
    lines += "2026/11/23 09:12:00 [error] 9#0: *1 x, client: 1.2.3.4, request: \"GET /?CANARY\"\n";
  log.add(lines);
  const auto text = follower.more();
  REQUIRE(text);
  CHECK(text->substr(0, 22) == "\n2026/11/23 09:12:00 [");
}

TEST_CASE("what a client sends can't pass for a sign of Kong's") {
  for (const char* line : {"2026/11/23 09:12:00 [warn] 9#0: *1 a client request body is buffered "
                           "to a temporary file x, client: "
                           "10.0.0.9, referrer: \"worker initialization error: hi\"\n",
                           "2026/11/23 09:12:00 [error] 9#0: *1 upstream failed, client: 10.0.0.9, "
                           "request: \"GET /unsafe request "
                           "processing due to earlier initialization errors HTTP/1.1\"\n"}) {
    CHECK(sign_of(parse(line).front(), master) == LogSign::Nothing);
  }
}

}  // namespace kongfleet::agent::test
