// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/host_check.hpp"

#include "proto/error.hpp"
#include "proto/manifest.hpp"
#include "tests/crash/journal_reading.hpp"
#include "tests/crash/tiny_settings.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace kongfleet::crash {

namespace {

constexpr std::size_t brief_digits = 12;

void add(Complaints& all, const Complaints& more) {
  all.insert(all.end(), more.begin(), more.end());
}

Complaints check_identity(const CrashHost& host) {
  struct stat info {};
  if (::lstat(host.conf().c_str(), &info) != 0) return {"kong.conf is gone"};
  const bool kept = S_ISREG(info.st_mode) && info.st_uid == CrashHost::conf_owner &&
                    info.st_gid == CrashHost::conf_group &&
                    (info.st_mode & 07777) == CrashHost::conf_mode;
  if (kept) return {};
  std::ostringstream text;
  text << "kong.conf is of " << info.st_uid << ":" << info.st_gid << ", mode " << std::oct
       << info.st_mode;
  return {text.str()};
}

std::vector<Manifest> manifests_of(const fs::path& generation) {
  std::vector<Manifest> releases;
  for (const auto& entry : fs::directory_iterator(generation / ".kongfleet"))
    releases.push_back(Manifest::parse(content_of(entry.path())));
  return releases;
}

std::string difference(const fs::path& generation, const ManifestFile& file) {
  const auto path = generation / file.path.text();
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return "is not there";
  if (sha256(content_of(path)) != file.digest) return "has another digest";
  return (info.st_mode & 07777) == file.mode ? "" : "has another mode";
}

}  // namespace

Complaints check_generation(const fs::path& generation) {
  const auto name = generation.filename().string();
  Complaints found;
  try {
    const auto releases = manifests_of(generation);
    const auto brief = generation_digest(releases).brief(brief_digits);
    if (!name.ends_with("-" + brief)) found.push_back(name + " holds other releases: " + brief);
    std::set<fs::path> expected;
    for (const auto& release : releases) {
      for (const auto& file : release.files()) {
        expected.insert(generation / file.path.text());
        const auto wrong = difference(generation, file);
        if (!wrong.empty()) found.push_back(name + ": " + file.path.text() + " " + wrong);
      }
    }
    for (const auto& entry : fs::recursive_directory_iterator(generation)) {
      const bool ours = entry.path().parent_path().filename() == ".kongfleet";
      if (!entry.is_directory() && !ours && !expected.contains(entry.path()))
        found.push_back(name + " holds too much: " + entry.path().string());
    }
  } catch (const std::exception& error) {
    found.push_back(name + ": " + error.what());
  }
  return found;
}

namespace {

Complaints check_journal(const CrashHost& host) {
  const auto path = host.state() / "journal";
  if (!fs::exists(path)) return {};  // it was never reached
  try {
    const auto journal = read_journal(content_of(path));
    return journal.open ? Complaints{"a transaction is open in the journal"} : Complaints{};
  } catch (const Error& error) {
    return {error.what()};
  }
}

}  // namespace

Complaints check_leftovers(const CrashHost& host) {
  Complaints found;
  const std::set<std::string> known{"journal",       "history.jsonl", "lock",
                                    "baseline.json", "poison.json",   "generations"};
  for (const auto& entry : fs::directory_iterator(host.state())) {
    const auto name = entry.path().filename().string();
    if (!known.contains(name) && !name.starts_with("ballast"))
      found.push_back("left over: " + entry.path().string());
  }
  if (!fs::exists(host.generations())) return found;
  for (const auto& entry : fs::directory_iterator(host.generations())) {
    if (entry.path().filename().string().starts_with("."))
      found.push_back("left over: " + entry.path().string());
  }
  return found;
}

std::string generation_in(const CrashHost& host, const std::string& conf) {
  const auto root = host.generations().string() + "/";
  const auto at = conf.find(root);
  if (at == std::string::npos) return "";
  const auto name = conf.substr(at + root.size());
  return name.substr(0, name.find('/'));
}

Complaints check_instant(const CrashHost& host, const std::vector<std::string>& texts) {
  auto found = check_identity(host);
  if (!found.empty() && !fs::exists(host.conf())) return found;
  const auto conf = content_of(host.conf());
  if (!texts.empty() && std::find(texts.begin(), texts.end(), conf) == texts.end())
    found.push_back("kong.conf is neither the old nor the new one:\n" + conf);
  for (const auto& generation :
       std::set{generation_in(host, conf), generation_in(host, host.serving())}) {
    if (generation.empty()) continue;
    const auto wrong = check_generation(host.generations() / generation);
    // An agent that lives may take it away meanwhile, once nothing names it any more.
    const bool named = generation_in(host, content_of(host.conf())) == generation ||
                       generation_in(host, host.serving()) == generation;
    if (named) add(found, wrong);
  }
  return found;
}

Complaints check_rest(const CrashHost& host, const std::vector<std::string>& texts) {
  auto found = check_instant(host, texts);
  add(found, check_journal(host));
  add(found, check_leftovers(host));
  return found;
}

Complaints check_serving(const CrashHost& host) {
  const auto named = with_defaults(parse_settings(content_of(host.conf()))).at("lua_package_path");
  const auto serving = host.serving();
  if (serving == named) return {};
  return {"Kong serves '" + serving + "', kong.conf names '" + named + "'"};
}

Complaints check_report(const CrashHost& host, const wire::HostState& said) {
  Complaints found;
  if (said.state() != "ready")
    found.push_back("the agent says: " + said.state() + ": " + said.advice());
  if (said.has_open()) found.push_back("the agent holds open: " + said.open().id());
  for (const auto& drift : said.drift()) found.push_back("drift: " + drift);
  const auto named = generation_in(host, content_of(host.conf()));
  const auto number = named.empty() ? 0 : std::stoul(named);
  if (number != said.generation())
    found.push_back("the agent confirmed generation " + std::to_string(said.generation()) +
                    ", kong.conf names " + std::to_string(number));
  return found;
}

}  // namespace kongfleet::crash
