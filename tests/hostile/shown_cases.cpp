// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/error_log.hpp"
#include "agent/frame_socket.hpp"
#include "agent/kong_admin.hpp"
#include "agent/lua_error.hpp"
#include "agent/probe.hpp"
#include "controller/html.hpp"
#include "controller/terminal.hpp"
#include "proto/error.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <thread>

namespace kongfleet::hostile {

namespace {

using namespace agent;
using namespace std::string_literals;

constexpr std::size_t excerpt_max = 8192;

bool quiet(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == 0x7f; });
}

/// A line of Kong's error log, as people get to see it.
LocalCase of_log(const std::string& name, const std::string& text, const std::string& wanted) {
  return {"log: " + name, "T17", wanted, [text](const fs::path&) {
            LogParser parser;
            parser.feed("2026/11/23 09:12:00 [error] 7#0: *1 " + text + "\n");
            const auto excerpt = log_excerpt(parser.entries(), 1, excerpt_max);
            if (!quiet(excerpt) || excerpt.size() > excerpt_max + 3) return "with escapes"s;
            return excerpt;
          }};
}

LocalCases logs() {
  const std::string fake = "\n2026/11/23 09:12:01 [notice] 1#0: start worker processes";
  return {
      of_log("a cleared screen", "\x1b[2J", "\\x1b[2J"),
      of_log("a clipboard", "\x1b]52;c;aWQ=\a", "\\x1b]52;c;aWQ=\\x07"),
      of_log("a link", "\x1b]8;;http://x\x1b\\y", "\\x1b]8;;http://x"),
      of_log("an overwritten line", "bad\rgood", "bad\\x0dgood"),
      of_log("backspaces", "bad\b\b\bgood", "bad\\x08\\x08\\x08good"),
      of_log("a bidirectional override",
             "\xe2\x80\xae"
             "x",
             "\\xe2\\x80\\xaex"),
      of_log("a zero-width blank",
             "a\xe2\x80\x8b"
             "b",
             "a\\xe2\\x80\\x8bb"),
      of_log("a filler that is not seen",
             "a\xe3\x85\xa4"
             "b",
             "a\\xe3\\x85\\xa4b"),
      of_log("a control of eight bits",
             "\xc2\x9b"
             "2J",
             "\\xc2\\x9b2J"),
      of_log("bytes that are no UTF-8", "\xff\xfe", "\\xff\\xfe"),
      of_log("a NUL", "a\0b"s, "a\\x00b"),
      of_log("a line of a megabyte", std::string(1U << 20U, 'x'), "xxxx"),
      {"log: a master's line that a worker wrote", "T17", "not the master's",
       [fake](const fs::path&) {
         LogParser parser;
         parser.feed("2026/11/23 09:12:00 [error] 7#0: *1 x" + fake + "\n");
         for (const auto& entry : parser.entries())
           if (sign_of(entry, 99) == LogSign::CycleStarted) return "believed"s;
         return "not the master's"s;
       }},
      {"log: a hundred thousand lines", "T13", "bounded",
       [](const fs::path&) {
         LogParser parser;
         for (int i = 0; i < 100'000; ++i) parser.feed("2026/11/23 09:12:00 [error] 7#0: *1 x\n");
         return parser.entries().size() <= LogParser::entries_max ? "bounded"s : "unbounded"s;
       }},
      {"log: a line that never ends", "T13", "bounded",
       [](const fs::path&) {
         LogParser parser;
         const std::string piece(1U << 20U, 'x');
         for (int i = 0; i < 2000; ++i) parser.feed(piece);
         return "bounded"s;
       }},
      {"log: lines of one entry without end", "T13", "bounded",
       [](const fs::path&) {
         LogParser parser;
         parser.feed("2026/11/23 09:12:00 [error] 7#0: *1 x\n");
         std::string piece;
         while (piece.size() < (1U << 20U)) piece += "\tin function 'x'\n";
         for (int i = 0; i < 2000; ++i) parser.feed(piece);
         return "bounded"s;
       }},
  };
}

LocalCase of_page(const std::string& name, const std::string& pattern, const std::string& body,
                  const std::string& wanted) {
  return {"probe: " + name, "T24", wanted, [pattern, body](const fs::path&) {
            ProbeSpec probe;
            probe.name = "echo";
            probe.body = pattern;
            probe.header = {{"X-A", "^ok$"}};
            const HttpResponse response{
                .status = 200, .headers = {{"X-A", pattern.empty() ? body : "ok"}}, .body = body};
            const auto verdict = judge_response(probe, response);
            const auto logged = quoted(probe, response);
            if (!quiet(verdict + logged) || logged.size() > 4096) return "with escapes"s;
            return verdict + "; " + logged;
          }};
}

LocalCases pages() {
  const std::string many = std::string(200'000, 'a');
  return {
      of_page("a header with escapes", "", "\x1b[2J", "X-A: '\\x1b[2J'"),
      of_page("a header of a megabyte", "", std::string(1U << 20U, 'x'), "does not match"),
      of_page("a body with escapes", "^ok$", "\x1b[2J", "\\x1b[2J"),
      of_page("a body that makes a pattern slow", "(a+)+$", many + "b", "(a+)+$"),
      of_page("a body that makes another slow", "(a|aa)+c", many, "(a|aa)+c"),
      of_page("a body that nests a pattern", "((a*)*)*b", many, "((a*)*)*b"),
      {"probe: an Admin API that nests without end", "T24", "nothing was told",
       [](const fs::path&) {
         return parse_admin_root(std::string(1U << 20U, '[')) ? "told"s : "nothing was told"s;
       }},
      {"probe: an Admin API that tells wrong types", "T24", "nothing was told",
       [](const fs::path&) {
         const auto root = parse_admin_root(
             R"({"configuration":[],"pids":{"workers":["x",1e300],"master":"y"},"plugins":5})");
         return root && (root->lua_package_path || root->master) ? "told"s : "nothing was told"s;
       }},
  };
}

// A byte now and then is no message.
std::string trickle(const fs::path&) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("make sockets");
  FrameSocket socket{Fd(ends[0])};
  const Fd other(ends[1]);
  std::jthread writer([&](const std::stop_token& stop) {
    for (const char byte : frame(std::string(10'000, 'x'))) {
      if (stop.stop_requested() || ::send(other.get(), &byte, 1, MSG_NOSIGNAL) != 1) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  socket.receive(std::chrono::milliseconds(300));
  return "accepted";
}

LocalCases sinks() {
  return {
      {"wire: a byte now and then", "T8", "the controller has said nothing for too long", trickle},
      {"page: markup in a host's words", "T17", "&lt;script&gt;alert(&quot;\\x1b&quot;)",
       [](const fs::path&) { return controller::html_text("<script>alert(\"\x1b\")</script>"); }},
      {"page: an attribute that ends itself", "T17", "title=\"&quot;&gt;&lt;b\"",
       [](const fs::path&) {
         return controller::Html().open("p", {{"title", "\"><b"}}).done();
       }},
      {"page: a text of a gigabyte is cut", "T13", "xxxx",
       [](const fs::path&) { return controller::html_text(std::string(64U << 20U, 'x')); }},
      {"terminal: a row keeps to its width", "T17", "~",
       [](const fs::path&) {
         return controller::Row({.width = 20}).add(std::string(5000, 'x')).text();
       }},
  };
}

}  // namespace

LocalCases shown_cases() {
  LocalCases cases;
  for (auto* part : {logs, pages, sinks}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
