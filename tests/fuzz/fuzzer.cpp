// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// What libFuzzer calls: the target that KONGFLEET_FUZZ names. Built with clang (tests/fuzz/run.py).
#include "tests/fuzz/fuzz.hpp"

#include <cstdlib>
#include <iostream>

namespace {

const kongfleet::fuzz::Target* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  const char* name = std::getenv("KONGFLEET_FUZZ");
  for (const auto& target : kongfleet::fuzz::targets()) {
    if (name == nullptr) std::cout << target.name << "\n";
    if (name != nullptr && target.name == name) chosen = &target;
  }
  if (chosen == nullptr) std::exit(name == nullptr ? 0 : 2);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return chosen->run(data, size);
}
