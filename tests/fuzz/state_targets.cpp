// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/candidate_check.hpp"
#include "agent/config.hpp"
#include "agent/journal.hpp"
#include "agent/kong_admin.hpp"
#include "agent/probe.hpp"
#include "proto/digest.hpp"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/memory_file.hpp"

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace kongfleet::fuzz;

namespace {

// A slot of a journal with the right sum, which no input could find.
std::string slot(unsigned sequence, std::string_view record) {
  const auto counts = std::to_string(sequence) + " " + std::to_string(record.size());
  const auto sum = sha256(counts + std::string(record)).hex();
  auto bytes = "kongfleet-journal 1 " + counts + " " + sum + "\n" + std::string(record);
  bytes.resize(8192, '\0');
  return bytes;
}

// Two sequences of a byte each, and two records, of half the rest each: the later one is read.
void read_both_slots(Input input) {
  const unsigned first = input.byte();
  const unsigned second = input.byte();
  const auto records = input.rest().substr(0, 8000);
  const auto half = records.size() / 2;
  const auto expected =
      parse_host_record(second > first ? records.substr(half) : records.substr(0, half));
  const MemoryFile file(slot(first, records.substr(0, half)) + slot(second, records.substr(half)));
  require(read_journal(file.path()) == expected, "the later slot of a journal is its record");
}

}  // namespace

// A record that was read is written as it was; a journal's file is read or refused.
int kongfleet_fuzz_journal(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  may_refuse([&] {
    const auto record = parse_host_record(bytes);
    require(parse_host_record(to_text(record)) == record, "a record goes there and back");
  });
  may_refuse([&] { static_cast<void>(read_journal(MemoryFile(bytes).path())); });
  may_refuse([&] { read_both_slots(Input(data, size)); });
  return 0;
}

int kongfleet_fuzz_agent_toml(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file({reinterpret_cast<const char*>(data), size});
  may_refuse([&] {
    const auto config = load_config(file.path());
    require(config.keep > 0, "a configuration that was read is sound");
  });
  return 0;
}

// What Kong answers: its Admin API, a probed page, and what its process wrote in preflight.
int kongfleet_fuzz_kong_answers(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::string body(input.rest());
  static_cast<void>(parse_admin_root(body));
  static_cast<void>(base_url_of(body));
  const std::set<std::string> files = {"kong/plugins/my-plugin/handler.lua",
                                       "kong/plugins/my-plugin/schema.lua"};
  const auto report = parse_check_report(body, files, {"my-plugin"});
  require(report.versions.size() <= 1, "a report tells of our plugins");
  for (const auto& mistake : report.mistakes)
    require(files.contains(mistake.file), "a report tells of our files");
  ProbeSpec probe;
  probe.name = "echo";
  probe.body = "a+b*c";
  probe.header = {{"X-MyPlugin", "^1[.]"}};
  HttpResponse response{.status = 200, .headers = {{"x-myplugin", body}}, .body = body};
  may_refuse([&] {
    const auto verdict = judge_response(probe, response);
    require(harmless(verdict) && verdict.size() < 20'000, "a probe's verdict is harmless");
    require(harmless(quoted(probe, response)), "what came is harmless in the log");
  });
  // The pattern is a controller's, the text a host's: both are foreign.
  const auto half = body.find('\n');
  if (half == std::string::npos || half > 64 || !why_bad_pattern(body.substr(0, half)).empty())
    return 0;
  may_refuse([&] {
    static_cast<void>(pattern_matches(body.substr(0, half), std::string_view(body).substr(half)));
  });
  return 0;
}
