// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// crash-proof PROOF [CASE]: death and disk errors at every system call of the real agent, and that
// it makes none for nothing. CASE: only those that begin so.
#include "tests/crash/proofs.hpp"

#include <iostream>
#include <map>

int main(int argc, char** argv) {
  using namespace kongfleet::crash;
  const std::map<std::string, int (*)(const std::string&)> proofs{
      {"kill-points", kill_points},
      {"kill-pairs", kill_pairs},
      {"io-errors", io_errors},
      {"mutants", mutants},
      {"converged-writes", converged_writes}};
  const auto proof = argc > 1 ? proofs.find(argv[1]) : proofs.end();
  if (proof == proofs.end()) {
    std::cerr << "usage: crash-proof PROOF [CASE]; PROOF is one of:";
    for (const auto& [name, run] : proofs) std::cerr << " " << name;
    std::cerr << "\n";
    return 2;
  }
  try {
    return proof->second(argc > 2 ? argv[2] : "");
  } catch (const std::exception& error) {
    std::cerr << "crash-proof: " << error.what() << "\n";
    return 1;
  }
}
