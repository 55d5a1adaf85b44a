// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/proof_entry.hpp"

#include "proto/error.hpp"

#include <boost/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace kongfleet::crash {

ProofEntry::ProofEntry(std::string name, std::string promise, std::string file)
    : name_(std::move(name)),
      promise_(std::move(promise)),
      file_(file.empty() ? name_ : std::move(file)) {}

void ProofEntry::write() const {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
  std::printf("%s: %zu, %zu bad, %.1f s\n", file_.c_str(), count, bad, took.count());
  std::fflush(stdout);
  const char* directory = std::getenv("KONGFLEET_PROOF_DIR");
  if (directory == nullptr) return;
  const boost::json::object proof{{"name", name_},
                                  {"promise", promise_},
                                  {"count", count},
                                  {"bad", bad},
                                  {"seconds", took.count()}};
  std::ofstream file(std::filesystem::path(directory) / (file_ + ".json"));
  file << boost::json::serialize(proof) << '\n';
  if (!file.flush()) throw_errno("write the proof", directory);
}

bool deep() { return std::getenv("KONGFLEET_DEEP") != nullptr; }

}  // namespace kongfleet::crash
