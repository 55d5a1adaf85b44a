// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/crash_host.hpp"
#include "tests/power/recording.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace kongfleet::power {

/// What of a host is its disk here: where kong.conf lies, and the agent's directory. Kong's own
/// files are no affair of the agent's.
Disk disk_of(const crash::CrashHost& host);

/// What was known outside of the host at some moment, and must hold after it. Made from the marks
/// of a recording:
///   begun                a transaction begins
///   asked N              generation N may become the confirmed one from now on
///   told N ID RESULT     generation N is the confirmed one; transaction ID ended with RESULT
///   found N              generation N is the confirmed one, as an agent says that has started
///   poisoned DIGEST      that generation failed for good
///   edited TEXT          kong.conf has the line TEXT, which a person wrote
///   careless             a person wrote into kong.conf and did not wait for the disk
///   adopted              the host knows nothing of what was before
struct Expectation {
  std::set<std::uint64_t> generations = {0};
  std::string last;                          // transaction that ended last; empty: not known
  std::map<std::string, std::string> ended;  // transactions and their results
  std::set<std::string> poisoned;
  std::set<std::string> lines;

  void hear(const Mark& mark);
};

/// What kong.conf and the baseline may be on a host, over a whole recording.
struct HostTexts {
  explicit HostTexts(const Recording& recording);
  /// Whether kong.conf is on a disk as somebody left it who did not wait: torn. That is nothing an
  /// agent could mend.
  bool torn_by_others(const DiskTree& disk) const;

  std::filesystem::path conf_file;          // on the disk
  std::set<std::string, std::less<>> conf;  // everything that was ever written whole for it
  std::set<mode_t> conf_modes;
  std::set<uid_t> conf_owners;
  std::set<Inode> careless;
  std::string baseline;  // baseline.json; empty: the host was never adopted
};

/// Judges, without code of the agent, a host that `kongfleet-agent recover` has left behind: P1,
/// P4, and what P5 needs. Returns an empty string, or what is wrong.
std::string why_bad(const crash::CrashHost& host, const HostTexts& texts,
                    const Expectation& expected);

}  // namespace kongfleet::power
