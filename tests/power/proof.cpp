// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/proof.hpp"

#include "tests/power/files.hpp"

#include <boost/json.hpp>

#include <cstdio>
#include <cstdlib>

namespace kongfleet::power {

Proof::Proof(std::string name, std::string promise, std::string file)
    : name_(std::move(name)),
      promise_(std::move(promise)),
      file_(file.empty() ? name_ : std::move(file)) {}

void Proof::write() const {
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
  put_file(std::filesystem::path(directory) / (file_ + ".json"),
           boost::json::serialize(proof) + "\n");
}

bool deep() { return std::getenv("KONGFLEET_DEEP") != nullptr; }

std::filesystem::path build_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace kongfleet::power
