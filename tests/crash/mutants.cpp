// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/proofs.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace kongfleet::crash {

namespace {

/// A file of somebody else, to which a planted link leads: whoever opens the link without O_EXCL
/// writes into it, or changes its mode.
class Victim {
public:
  explicit Victim(const CrashHost& host) : path_(host.root().string() + ".victim") {
    fs::remove(path_);
    std::ofstream(path_) << content;
    fs::permissions(path_, fs::perms(0640));
  }
  void plant(const fs::path& at) const {
    if (::link(path_.c_str(), at.c_str()) != 0) throw_errno("plant", at);
  }
  bool survives() const {
    struct stat info {};
    return ::stat(path_.c_str(), &info) == 0 && (info.st_mode & 07777) == 0640 &&
           content_of(path_) == content;
  }

private:
  static constexpr const char* content = "what must survive\n";
  fs::path path_;
};

struct Mutant {
  const Scene& scene;
  std::size_t number;
  std::string call;
};

/// A rename says it was made, and was not, each time these two names come up.
Performance pretend(const Stage& stage, const Mutant& mutant) {
  begin(stage, mutant.scene);
  std::string pretended;
  auto seen = perform(stage, mutant.scene, [&](const MutatingCall& call) {
    if (call.number == mutant.number && call.renames) pretended = call.text();
    return Fate{call.text() == pretended ? Fate::Pretend : Fate::Go};
  });
  if (pretended.empty()) throw Error(mutant.call + " was never made");
  return seen;
}

Complaints play_pretended(const Stage& stage, const Mutant& mutant) {
  for (const auto recovery : {Recovery::Serving, Recovery::AtBoot}) {
    const auto seen = pretend(stage, mutant);
    if (!check_undisturbed(stage, mutant.scene, seen, recovery).empty()) return {};
  }
  return {"nobody misses " + mutant.call};
}

/// A link to somebody's file lies where one is to be created. With O_EXCL it survives, and nothing
/// else is harmed; without, it must be seen that it does not.
enum class Exclusive { Kept, Taken };
Complaints play_planted(const Stage& stage, const Mutant& mutant, Exclusive exclusive) {
  begin(stage, mutant.scene);
  const Victim victim(stage.host());
  bool made = false;
  const auto seen = perform(stage, mutant.scene, [&](const MutatingCall& call) {
    if (call.number != mutant.number || !call.exclusive) return Fate{};
    victim.plant(call.path);
    made = true;
    return Fate{exclusive == Exclusive::Taken ? Fate::WithoutExcl : Fate::Go};
  });
  if (!made) return {mutant.call + " was never made"};
  if (exclusive == Exclusive::Taken)
    return victim.survives() ? Complaints{"nobody misses O_EXCL of " + mutant.call} : Complaints{};
  auto found = recover_and_check(stage, mutant.scene, seen.told, Recovery::Serving);
  if (!victim.survives()) found.push_back("the planted file was written to by " + mutant.call);
  return found;
}

void add_cases(const Scene& scene, const std::vector<std::string>& calls,
               std::vector<Case>& cases) {
  for (std::size_t number = 1; number <= calls.size(); ++number) {
    const auto& call = calls[number - 1];
    const Mutant mutant{scene, number, named_call(calls, number)};
    const auto name = scene.name + (":" + std::to_string(number)) + ":";
    if (call.starts_with("rename"))
      cases.push_back({name + "pretended.",
                       [mutant](const Stage& stage) { return play_pretended(stage, mutant); }});
    if (!call.ends_with("(exclusive)")) continue;
    cases.push_back({name + "planted.", [mutant](const Stage& stage) {
                       return play_planted(stage, mutant, Exclusive::Kept);
                     }});
    cases.push_back({name + "without-excl.", [mutant](const Stage& stage) {
                       return play_planted(stage, mutant, Exclusive::Taken);
                     }});
  }
}

}  // namespace

int mutants(const std::string& only) {
  const auto calls = rehearse(scenes());
  std::vector<Case> cases;
  for (std::size_t s = 0; s < scenes().size(); ++s) add_cases(scenes()[s], calls[s], cases);
  return prove({"mutants", "P1 P10", "mutants-calls"}, cases, only);
}

}  // namespace kongfleet::crash
