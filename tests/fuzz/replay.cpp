// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// fuzz-replay CORPUS [FILE...]: gives every input of CORPUS/TARGET/ to its target, each in a
// process of its own that has bounded memory and time; of FILEs only those (CORPUS/TARGET/NAME).
#include "tests/crash/proof_entry.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace fs = std::filesystem;

namespace kongfleet::fuzz {
namespace {

constexpr unsigned seconds_max = 20;
constexpr std::size_t seeds_min = 12;  // a target without seeds would prove nothing
#ifdef __SANITIZE_ADDRESS__
constexpr long resident_kb_max = 1024L * 1024;
constexpr bool bounded_addresses = false;  // it needs terabytes of them
#else
constexpr long resident_kb_max = 192L * 1024;
constexpr bool bounded_addresses = true;
#endif
constexpr rlim_t address_bytes_max = rlim_t{1} << 30;

[[noreturn]] void be_the_child(const Target& target, const fs::path& input) {
  std::ifstream file(input, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const rlimit addresses{address_bytes_max, address_bytes_max};
  if (!file || (bounded_addresses && ::setrlimit(RLIMIT_AS, &addresses) != 0)) ::_exit(125);
  ::alarm(seconds_max);
  target.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  std::quick_exit(0);
}

/// Empty, or what was wrong.
std::string replay(const Target& target, const fs::path& input) {
  std::cout.flush();
  const auto child = ::fork();
  if (child < 0) throw_errno("fork");
  if (child == 0) be_the_child(target, input);
  int status = 0;
  rusage used{};
  if (::wait4(child, &status, 0, &used) != child) throw_errno("wait for a target");
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return "takes too long";
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return "exit code " + std::to_string(WEXITSTATUS(status));
  if (used.ru_maxrss > resident_kb_max) return "takes " + std::to_string(used.ru_maxrss) + " KiB";
  return "";
}

void replay_all(const Target& target, const fs::path& directory, crash::ProofEntry& proof) {
  std::vector<fs::path> inputs;
  for (const auto& entry : fs::directory_iterator(directory)) inputs.push_back(entry.path());
  std::sort(inputs.begin(), inputs.end());
  if (inputs.size() < seeds_min) {
    std::cout << directory.string() << ": " << inputs.size() << " inputs are too few\n";
    ++proof.bad;
  }
  for (const auto& input : inputs) {
    ++proof.count;
    const auto wrong = replay(target, input);
    if (wrong.empty()) continue;
    std::cout << input.string() << ": " << wrong << "\n";
    ++proof.bad;
  }
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: fuzz-replay CORPUS [FILE...]\n";
    return 2;
  }
  crash::ProofEntry proof("fuzz-replay", "P10");
  const fs::path corpus(argv[1]);
  for (const auto& target : targets()) {
    if (argc == 2) replay_all(target, corpus / target.name, proof);
    for (int i = 2; i < argc; ++i) {
      const fs::path input(argv[i]);
      if (input.parent_path().filename() != target.name) continue;
      const auto wrong = replay(target, input);
      std::cout << argv[i] << ": " << (wrong.empty() ? "well" : wrong) << "\n";
      proof.bad += wrong.empty() ? 0U : 1U;
    }
  }
  if (argc == 2) proof.write();
  return proof.bad == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kongfleet::fuzz

int main(int argc, char** argv) {
  try {
    return kongfleet::fuzz::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "fuzz-replay: " << error.what() << '\n';
    return 1;
  }
}
