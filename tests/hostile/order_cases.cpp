// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/digest.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

constexpr int probes_too_many = 65;

/// An order of a controller that no agent takes.
WireCase of_order(const std::string& name, const std::string& threat, const std::string& wanted,
                  const std::function<void(wire::ToAgent&)>& fill) {
  return {"order: " + name, threat, wanted, [fill](Caller& caller) {
            wire::ToAgent message;
            fill(message);
            caller.greet();
            return caller.ask(message);
          }};
}

WireCase of_probe(const std::string& name, const std::string& threat, const std::string& wanted,
                  const std::function<void(wire::Probe&)>& spoil) {
  return of_order("probe with " + name, threat, wanted, [spoil](wire::ToAgent& message) {
    message.mutable_apply()->set_transaction("t");
    auto& probe = *message.mutable_apply()->add_probes();
    probe.set_name("echo");
    probe.set_type("http");
    probe.set_url("http://127.0.0.1:8000/");
    spoil(probe);
  });
}

WireCases probes() {
  const std::string range = "a number or pattern is out of range";
  const std::string foreign = "can't be ordered by a controller";
  WireCases cases = {
      of_probe("a command", "T3", foreign, [](auto& probe) { probe.set_type("command"); }),
      of_probe("a kind of its own", "T3", foreign, [](auto& probe) { probe.set_type("exec"); }),
      of_probe("a smoke test of what is no plugin's name", "T2", "is no plugin's name",
               [](auto& probe) {
                 probe.set_type("smoke");
                 probe.set_plugin("../x?y");
               }),
      of_probe("a smoke test's configuration of many levels", "T13", "config is no JSON object",
               [](auto& probe) {
                 probe.set_type("smoke");
                 probe.set_plugin("my-plugin");
                 probe.set_config("{\"a\":" + std::string(20'000, '['));
               }),
      of_probe("a smoke test's configuration of 100 KB", "T13", range,
               [](auto& probe) { probe.set_config(std::string(100'000, ' ')); }),
      of_probe("escapes for a kind", "T17", "type '\\x1b[2J' can't",
               [](auto& probe) { probe.set_type("\x1b[2J"); }),
      of_probe("a name of two lines", "T17", "probe 'a\\nb': type",
               [](auto& probe) {
                 probe.set_name("a\nb");
                 probe.set_type("x");
               }),
      of_probe("a body's pattern of 2 KiB", "T8", range,
               [](auto& probe) { probe.set_body(std::string(2048, 'a')); }),
      of_probe("a header's pattern of 2 KiB", "T8", "a pattern is too long",
               [](auto& probe) { probe.add_header()->set_pattern(std::string(2048, 'a')); }),
      of_probe("a header's name of a megabyte", "T8", "a header's name is too long",
               [](auto& probe) { probe.add_header()->set_name(std::string(1U << 20U, 'a')); }),
      of_probe("a pattern that is none", "T14",
               "pattern '(a': ", [](auto& probe) { probe.set_body("(a"); }),
      of_probe("33 headers", "T8", range,
               [](auto& probe) {
                 for (int i = 0; i < 33; ++i) probe.add_header();
               }),
      of_probe("an interval of 49 days", "T14", range,
               [](auto& probe) { probe.set_interval_ms(4'294'967'295U); }),
      of_probe("a timeout of 49 days", "T14", range,
               [](auto& probe) { probe.set_timeout_ms(4'294'967'295U); }),
      of_probe("four billion successes", "T14", range,
               [](auto& probe) { probe.set_successes(4'294'967'295U); }),
      of_probe("a status that is none", "T14", "is none of HTTP's",
               [](auto& probe) { probe.set_status(1000); }),
      of_probe("an address without a port", "T14", "is no HOST:PORT",
               [](auto& probe) {
                 probe.set_type("tcp");
                 probe.set_address("127.0.0.1");
               }),
      of_probe("port 65536", "T14", "is no HOST:PORT",
               [](auto& probe) {
                 probe.set_type("tcp");
                 probe.set_address("127.0.0.1:65536");
               }),
  };
  const std::vector<std::pair<std::string, std::string>> urls = {
      {"", "it does not begin with http://"},
      {"file:///etc/passwd", "it does not begin with http://"},
      {"gopher://127.0.0.1/", "it does not begin with http://"},
      {"https://127.0.0.1/", "https is not supported"},
      {"http://", "is no HOST or HOST:PORT"},
      {"http://root@127.0.0.1/", "it names a user"},
      {"http://127.0.0.1:0/", "is no HOST or HOST:PORT"},
      {"http://127.0.0.1/ HTTP/1.1\r\nX: y", "holds a blank or a control character"},
      {"http://127.0.0.1\r\nX: y/", "is no HOST or HOST:PORT"},
      {"http://127.0.0.1/\x1b[2J", "holds a blank or a control character"}};
  for (const auto& [url, wanted] : urls) {
    cases.push_back(of_probe("the URL '" + url + "'", "T16", wanted,
                             [url = url](auto& probe) { probe.set_url(url); }));
  }
  return cases;
}

WireCases transactions() {
  const std::string name = "a transaction needs a name of 1 to 128 bytes";
  const std::string unknown = "is not open here";
  return {
      of_order("a transaction without a name", "T23", name,
               [](auto& message) { message.mutable_apply(); }),
      of_order("a transaction with a name of a megabyte", "T8", name,
               [](auto& message) {
                 message.mutable_apply()->set_transaction(std::string(1U << 20U, 't'));
               }),
      of_order("a plan that was never made", "T23", "no plan 'x' was made here",
               [](auto& message) {
                 message.mutable_apply()->set_transaction("t");
                 message.mutable_apply()->set_plan("x");
               }),
      of_order("a plan with escapes for a name", "T17", "no plan '\\x1b]0;x\\x07' was made here",
               [](auto& message) {
                 message.mutable_apply()->set_transaction("t");
                 message.mutable_apply()->set_plan("\x1b]0;x\a");
               }),
      of_order("65 probes", "T13", "too many probes ordered",
               [](auto& message) {
                 message.mutable_apply()->set_transaction("t");
                 for (int i = 0; i < probes_too_many; ++i) message.mutable_apply()->add_probes();
               }),
      of_order("65 probes of a way back", "T13", "too many probes ordered",
               [](auto& message) {
                 message.mutable_rollback()->set_transaction("t");
                 for (int i = 0; i < probes_too_many; ++i) message.mutable_rollback()->add_probes();
               }),
      of_order("a way back without a name", "T23", name,
               [](auto& message) { message.mutable_rollback(); }),
      of_order("a way back to a generation that never was", "T5", "is not kept on this host",
               [](auto& message) {
                 message.mutable_rollback()->set_transaction("t");
                 message.mutable_rollback()->set_to(7);
               }),
      of_order("a way back to generation 2^64-1", "T14", "is not kept on this host",
               [](auto& message) {
                 message.mutable_rollback()->set_transaction("t");
                 message.mutable_rollback()->set_to(~std::uint64_t{0});
               }),
      of_order("a confirmation of what is not open", "T23", unknown,
               [](auto& message) { message.mutable_confirm()->set_transaction("t"); }),
      of_order("a confirmation of nothing", "T23", unknown,
               [](auto& message) { message.mutable_confirm(); }),
      of_order("taking back what is not open", "T23", unknown,
               [](auto& message) { message.mutable_revert()->set_transaction("t"); }),
      of_order("taking back with a megabyte of reasons", "T8", unknown,
               [](auto& message) {
                 message.mutable_revert()->set_transaction("t");
                 message.mutable_revert()->set_reason(std::string(1U << 20U, '\x1b'));
               }),
      of_order("a plugin to be looked for outside", "T5", "a plugin's name that is none",
               [](auto& message) { message.mutable_checkup()->add_plugins("../../../etc"); }),
      of_order("renewing what is not open", "T23", unknown,
               [](auto& message) { message.mutable_renew()->set_transaction("t"); }),
      of_order("escapes for a transaction's name", "T17", "'\\x1b[31mt' is not open here",
               [](auto& message) { message.mutable_confirm()->set_transaction("\x1b[31mt"); }),
      of_order("a transaction's name of a megabyte", "T17", unknown,
               [](auto& message) {
                 message.mutable_renew()->set_transaction(std::string(1U << 20U, 't'));
               }),
  };
}

std::string of_name(std::string text, const std::string& name) {
  while (text.find("greet") != std::string::npos) text = replaced(text, "greet", name);
  return text;
}

WireCase of_releases(const std::string& name, const std::string& threat, const std::string& wanted,
                     const std::vector<std::string>& manifests) {
  return of_order(name, threat, wanted,
                  [manifests](auto& message) { message = proposal(manifests); });
}

WireCases proposals() {
  const auto good = good_manifest();
  return {
      of_releases("one release twice", "T7", "two releases of 'greet' are asked for", {good, good}),
      of_releases("two versions of one plugin", "T7", "two releases of 'greet' are asked for",
                  {good, replaced(good, "1.0.0", "2.0.0")}),
      of_releases("a plugin that Kong brings", "T16", "is a plugin that Kong bundles",
                  {of_name(good, "key-auth")}),
      of_releases("a plugin called bundled", "T16", "refused: ", {of_name(good, "bundled")}),
      of_releases("a plugin called off", "T16", "refused: ", {of_name(good, "off")}),
      of_releases(
          "two that bring one module", "T12", "both bring",
          {with_first(file_line("a.lua")),
           of_name(with_first(replaced(file_line("a.lua"), sha256("x").hex(), sha256("y").hex())),
                   "other")}),
      of_releases(
          "two whose modules differ only in case", "T12", "differ only in case",
          {with_first(file_line("a.lua")), of_name(with_first(file_line("A.lua")), "other")}),
      of_releases("a module of one that is a directory of the other", "T12",
                  "is a file, and a directory of",
                  {with_first(file_line("a")), of_name(with_first(file_line("a/b.lua")), "other")}),
      of_order("a host that runs something else", "T5", "does not run what the controller believes",
               [good](auto& message) {
                 message = proposal({good});
                 message.mutable_propose()->set_expected_digest("00ff");
               }),
  };
}

}  // namespace

WireCases order_cases() {
  WireCases cases;
  for (auto* part : {probes, transactions, proposals}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
