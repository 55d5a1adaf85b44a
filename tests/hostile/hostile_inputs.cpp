// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// hostile-inputs [NAME]: tries every case of the tables of this directory, or those whose names
// have NAME in them. hostile-inputs --list prints their threats and names.
#include "proto/error.hpp"
#include "proto/names.hpp"
#include "tests/crash/proof_entry.hpp"
#include "tests/hostile/judges.hpp"

#include <stdlib.h>

#include <iostream>
#include <set>

namespace kongfleet::hostile {
namespace {

constexpr std::size_t cases_min = 200;  // what was promised

class Directory {
public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "kongfleet-hostile-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw_errno("make", name);
    path_ = name;
    fs::permissions(path_, fs::perms(0755));  // Kong's workers read what is below
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

template <class Cases>
Cases chosen(std::initializer_list<Cases (*)()> tables, const std::string& part) {
  Cases cases;
  std::set<std::string> names;
  for (const auto table : tables) {
    for (auto& each : table()) {
      if (!names.insert(each.name).second) throw Error("two cases are called '" + each.name + "'");
      if (each.name.find(part) != std::string::npos) cases.push_back(std::move(each));
    }
  }
  return cases;
}

int run(const std::string& part) {
  const bool list = part == "--list";
  const auto on_wire = chosen<WireCases>(
      {path_cases, manifest_cases, conversation_cases, order_cases, content_cases},
      list ? "" : part);
  const auto locally =
      chosen<LocalCases>({bundle_cases, rock_cases, tree_cases, fleet_cases, setting_cases,
                          inventory_cases, answer_cases, shown_cases, amount_cases},
                         list ? "" : part);
  if (list) {
    for (const auto& each : on_wire)
      std::cout << each.threat << " " << printable(each.name) << "\n";
    for (const auto& each : locally)
      std::cout << each.threat << " " << printable(each.name) << "\n";
    return 0;
  }
  crash::ProofEntry proof("hostile-inputs", "P10");
  const Directory directory;
  proof.count = on_wire.size() + locally.size();
  if (!on_wire.empty()) proof.bad += judge_on_wire(on_wire, directory.path());
  proof.bad += judge_locally(locally, directory.path());
  if (part.empty() && proof.count < cases_min) {
    std::cout << proof.count << " cases are too few\n";
    ++proof.bad;
  }
  if (part.empty()) proof.write();
  return proof.bad == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kongfleet::hostile

int main(int argc, char** argv) {
  try {
    return kongfleet::hostile::run(argc > 1 ? argv[1] : "");
  } catch (const std::exception& error) {
    std::cerr << "hostile-inputs: " << error.what() << '\n';
    return 1;
  }
}
