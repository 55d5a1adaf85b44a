// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/error.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

#include <memory>

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

constexpr int fields_too_many = 70'000;
constexpr int conversations_max = 32;

/// Bytes after a greeting; the agent hangs up, and says why in its log.
WireCase of_bytes(const std::string& name, const std::string& bytes, const std::string& wanted) {
  return {"frame: " + name, "T8", wanted, [bytes](Caller& caller) {
            caller.greet();
            caller.raw(bytes);
            caller.hang_up();
            return caller.hear();
          }};
}

/// A body that is no message a greeted agent takes.
WireCase of_body(const std::string& name, const std::string& threat, const std::string& body,
                 const std::string& wanted) {
  return {"message: " + name, threat, wanted, [body](Caller& caller) {
            caller.greet();
            caller.body(body);
            return caller.hear();
          }};
}

WireCase of_message(const std::string& name, const std::string& threat, const std::string& wanted,
                    const std::function<void(wire::ToAgent&)>& fill) {
  return {"message: " + name, threat, wanted, [fill](Caller& caller) {
            wire::ToAgent message;
            fill(message);
            caller.greet();
            return caller.ask(message);
          }};
}

WireCases frames() {
  const std::string wanted = "announced: allowed are 1 to 4194304";
  return {
      of_bytes("of no bytes", "\0\0\0\0"s, "frame of 0 bytes " + wanted),
      of_bytes("a byte too long", "\x00\x40\x00\x01"s, "frame of 4194305 bytes " + wanted),
      of_bytes("of four gigabytes", "\xff\xff\xff\xff", "frame of 4294967295 bytes " + wanted),
      of_bytes("of minus two gigabytes", "\x80\0\0\0"s, "frame of 2147483648 bytes " + wanted),
      of_bytes("HTTP", "GET / HTTP/1.1\r\n\r\n", wanted),
      of_bytes("SSH", "SSH-2.0-OpenSSH_9.2\r\n", wanted),
      of_bytes("TLS", "\x16\x03\x01\x02\x00\x01"s, wanted),
      of_bytes("half a length", "\0\0"s, "the controller went away in the middle of a message"),
      of_bytes("that ends early",
               "\0\0\0\x09"
               "abc"s,
               "the controller went away in the middle of a message"),
      of_bytes("four megabytes that end early", "\x00\x40\x00\x00"s + std::string(1U << 20U, 'x'),
               "the controller went away in the middle of a message"),
  };
}

WireCases bodies() {
  const std::string none = "a message that is no message";
  std::string nested;
  for (int i = 0; i < 200; ++i) nested = "\x7b" + nested + "\x7c";
  std::string invalid = "\x0a\x06\x08\x01\x1a\x02\xff\xfe";  // Hello with a controller of \xff\xfe
  return {
      of_body("noise", "T8", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", none),
      of_body("a length beyond its end", "T14", "\x12\xff\xff\xff\xff\x0f", none),
      of_body("a length of 2^64", "T14", "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", none),
      of_body("a tag that never ends", "T8", std::string(100, '\x80'), none),
      of_body("field number 0", "T14", std::string("\x02\x01\x00", 3), none),
      of_body("two hundred groups", "T8", nested, none),
      of_body("text that is not UTF-8", "T11", invalid, none),
      of_body("four megabytes of zeros", "T8", std::string(frame_bytes_max, '\0'),
              "a message of more than 65536 fields"),
      of_body("a kind yet to be invented", "T23", std::string("\xfa\x01\x00", 3),
              "a message of a kind this agent does not know"),
      of_body("an answer", "T23", std::string("\x42\x02\x0a\x00", 4), "answered"),
      of_body("a cut one", "T23",
              std::string("\x12\x05"
                          "abc"),
              none),
  };
}

WireCases counts() {
  const std::string wanted = "a message of more than 65536 fields";
  return {
      of_message("manifests without end", "T13", wanted,
                 [](wire::ToAgent& message) {
                   for (int i = 0; i < fields_too_many; ++i)
                     message.mutable_propose()->add_manifests();
                 }),
      of_message("signatures without end", "T13", wanted,
                 [](wire::ToAgent& message) {
                   for (int i = 0; i < fields_too_many; ++i)
                     message.mutable_propose()->add_signatures();
                 }),
      of_message("features without end", "T13", wanted,
                 [](wire::ToAgent& message) {
                   for (int i = 0; i < fields_too_many; ++i)
                     message.mutable_hello()->add_features();
                 }),
      of_message("two million probes", "T13", wanted,
                 [](wire::ToAgent& message) {
                   for (int i = 0; i < 2'000'000; ++i) message.mutable_apply()->add_probes();
                 }),
      of_message("two million rules of a header", "T13", wanted,
                 [](wire::ToAgent& message) {
                   auto& probe = *message.mutable_rollback()->add_probes();
                   for (int i = 0; i < 2'000'000; ++i) probe.add_header();
                 }),
      of_message("257 releases", "T13", "too many releases proposed",
                 [](wire::ToAgent& message) {
                   for (int i = 0; i < 257; ++i)
                     message.mutable_propose()->add_manifests(good_manifest());
                 }),
      of_message("257 plugins to be looked for", "T13", "too many plugins asked about",
                 [](wire::ToAgent& message) {
                   for (int i = 0; i < 257; ++i) message.mutable_checkup()->add_plugins("a");
                 }),
  };
}

WireCases before_hello() {
  const std::vector<std::pair<std::string, std::function<void(wire::ToAgent&)>>> messages = {
      {"propose", [](wire::ToAgent& message) { message.mutable_propose(); }},
      {"blob", [](wire::ToAgent& message) { message.mutable_blob(); }},
      {"apply", [](wire::ToAgent& message) { message.mutable_apply()->set_transaction("t"); }},
      {"confirm", [](wire::ToAgent& message) { message.mutable_confirm()->set_transaction("t"); }},
      {"revert", [](wire::ToAgent& message) { message.mutable_revert()->set_transaction("t"); }},
      {"renew", [](wire::ToAgent& message) { message.mutable_renew()->set_transaction("t"); }},
      {"status", [](wire::ToAgent& message) { message.mutable_status(); }},
      {"history", [](wire::ToAgent& message) { message.mutable_history(); }},
      {"rollback", [](wire::ToAgent& message) { message.mutable_rollback(); }},
      {"collect", [](wire::ToAgent& message) { message.mutable_collect(); }},
      {"checkup", [](wire::ToAgent& message) { message.mutable_checkup(); }},
  };
  WireCases cases;
  for (const auto& [name, fill] : messages) {
    cases.push_back({name + " before any hello", "T23", "the first message was no Hello",
                     [fill = fill](Caller& caller) {
                       wire::ToAgent message;
                       fill(message);
                       return caller.ask(message);
                     }});
  }
  for (const unsigned protocol : {0U, 3U, 99U, 4'294'967'295U}) {
    cases.push_back({"hello of protocol " + std::to_string(protocol), "T29",
                     "the controller speaks protocol " + std::to_string(protocol),
                     [protocol](Caller& caller) {
                       wire::ToAgent message;
                       message.mutable_hello()->set_protocol(protocol);
                       return caller.ask(message);
                     }});
  }
  return cases;
}

// Each is heard to the end, and the one too many is not kept waiting.
std::string one_too_many(Caller& caller) {
  std::vector<std::unique_ptr<Caller>> others;
  for (int i = 0; i < conversations_max; ++i) {
    others.push_back(std::make_unique<Caller>(caller.socket()));
    others.back()->raw("\0\0"s);
  }
  Caller last(caller.socket());
  return last.hear();
}

}  // namespace

WireCases conversation_cases() {
  WireCases cases;
  for (auto* part : {frames, bodies, counts, before_hello}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  cases.push_back({"a 33rd conversation", "T28", "too many conversations", one_too_many});
  return cases;
}

}  // namespace kongfleet::hostile
