// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// editor-differential COUNT SEED [FIRST] (ten times COUNT when KONGFLEET_DEEP is set): generated
// kong.conf files, read by our reader and by the parser Kong itself uses, and edited by our editor,
// whose output that parser judges.
#include "tests/editor/edit_check.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>

namespace kongfleet::agent {
namespace {

constexpr std::uint64_t batch_size = 500;  // one exchange with LuaJIT: enough to hide its latency

struct Tally {
  std::uint64_t edited = 0;
  std::uint64_t refused = 0;
  std::uint64_t bad = 0;
};

struct Run {
  std::uint64_t count;
  std::uint64_t seed;
  std::uint64_t first;
};

std::string escaped(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    if (c == '\n') {
      shown += "\\n\n  ";
    } else {
      shown += c >= ' ' && c < '\x7f' && c != '\\' ? std::string(1, c) : std::string(hex);
    }
  }
  return shown;
}

/// A case, and what the editor made of it.
struct Attempt {
  std::uint64_t number;
  ConfCase made;
  ConfDialect dialect;
  std::variant<Edited, ConfProblem> result;

  Attempt(std::uint64_t seed, std::uint64_t its_number)
      : number(its_number),
        made(make_case(seed, number)),
        dialect(number % 2 == 0 ? ConfDialect::Before32 : ConfDialect::From32),
        result(edit(made.text, dialect, made.change)) {}
};

std::string judge_refusal(const Attempt& attempt, const ConfProblem& problem) {
  if (attempt.made.plain) return "a plain file is refused: " + problem.reason;
  if (problem.reason.starts_with("internal")) return problem.reason;
  return problem.reason.empty() ? "a refusal without a reason" : "";
}

std::string judge_again(const Attempt& attempt, const Edited& edited) {
  const auto again = edit(edited.text, attempt.dialect, attempt.made.change);
  const auto* same = std::get_if<Edited>(&again);
  return same && same->text == edited.text && same->lines.empty() ? "" : "asking twice is not free";
}

void report(const Run& run, const Attempt& attempt, const std::string& complaint) {
  std::cerr << "editor-differential: " << complaint << "\nagain with: editor-differential 1 "
            << run.seed << ' ' << attempt.number << "\ndialect "
            << (attempt.dialect == ConfDialect::Before32 ? "before" : "from") << " 3.2, file:\n  "
            << escaped(attempt.made.text) << '\n';
  if (const auto* edited = std::get_if<Edited>(&attempt.result)) {
    std::cerr << "edited:\n  " << escaped(edited->text) << '\n';
  }
}

/// Asks Kong's parser about one batch, and judges it.
void judge_batch(const Run& run, const std::vector<Attempt>& batch, Penlight& penlight,
                 Tally& tally) {
  std::vector<std::string> texts;
  for (const auto& attempt : batch) {
    texts.push_back(attempt.made.text);
    if (const auto* edited = std::get_if<Edited>(&attempt.result)) texts.push_back(edited->text);
  }
  const auto answers = penlight.read(texts);
  std::size_t next = 0;
  for (const auto& attempt : batch) {
    const auto& before = answers[next++];
    std::string complaint;
    if (const auto* edited = std::get_if<Edited>(&attempt.result)) {
      ++tally.edited;
      const auto& after = answers[next++];
      complaint = judge(attempt.made, attempt.dialect, *edited, before, after);
      if (complaint.empty()) complaint = judge_again(attempt, *edited);
    } else {
      ++tally.refused;
      complaint = judge_refusal(attempt, std::get<ConfProblem>(attempt.result));
    }
    const auto ours = our_answer(attempt.made.text);
    if (ours.readings[0] != before.readings[0] || ours.readings[1] != before.readings[1]) {
      complaint = "our reader and Kong's parser differ";
    }
    if (complaint.empty()) continue;
    if (++tally.bad <= 3) report(run, attempt, complaint);
  }
}

Tally run_all(const Run& run, Penlight& penlight) {
  Tally tally;
  for (std::uint64_t done = 0; done < run.count; done += batch_size) {
    std::vector<Attempt> batch;
    for (auto i = done; i < std::min(done + batch_size, run.count); ++i) {
      batch.emplace_back(run.seed, run.first + i);
    }
    judge_batch(run, batch, penlight, tally);
  }
  // A test whose cases are nearly all refused (or all accepted) would prove nothing.
  if (run.count >= 1000 && std::min(tally.edited, tally.refused) < run.count / 10) {
    std::cerr << "editor-differential: the generator makes too little of one kind\n";
    ++tally.bad;
  }
  return tally;
}

int run(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::cerr << "usage: editor-differential COUNT SEED [FIRST]\n";
    return 2;
  }
  const auto number = [argv](int i) { return std::strtoull(argv[i], nullptr, 10); };
  const std::uint64_t times = std::getenv("KONGFLEET_DEEP") && argc == 3 ? 10 : 1;
  const Run run{number(1) * times, number(2), argc > 3 ? number(3) : 0};
  const auto start = std::chrono::steady_clock::now();
  Penlight penlight(KONGFLEET_SOURCE "/tests/editor/penlight.lua");
  const Tally tally = run_all(run, penlight);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;

  std::printf(
      "editor-differential: %llu files (seed %llu): %llu edited, %llu refused, %llu bad, %.1f s\n",
      static_cast<unsigned long long>(run.count), static_cast<unsigned long long>(run.seed),
      static_cast<unsigned long long>(tally.edited), static_cast<unsigned long long>(tally.refused),
      static_cast<unsigned long long>(tally.bad), spent.count());
  if (const char* directory = std::getenv("KONGFLEET_PROOF_DIR")) {
    std::ofstream proof(std::string(directory) + "/editor-differential.json");
    proof << R"({"name":"editor-differential","promise":"P6","count":)" << run.count << R"(,"bad":)"
          << tally.bad << R"(,"seconds":)" << spent.count() << "}\n";
    if (!proof.flush()) {
      std::cerr << "editor-differential: cannot write to '" << directory << "'\n";
      return 1;
    }
  }
  return tally.bad == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kongfleet::agent

int main(int argc, char** argv) {
  try {
    return kongfleet::agent::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "editor-differential: " << error.what() << '\n';
    return 1;
  }
}
