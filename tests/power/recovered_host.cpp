// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/recovered_host.hpp"

#include "proto/error.hpp"
#include "tests/crash/host_check.hpp"
#include "tests/crash/journal_reading.hpp"
#include "tests/power/files.hpp"

#include <boost/json.hpp>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace kongfleet::power {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view careless_mark = "careless";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class Judge {
public:
  Judge(const crash::CrashHost& host, const HostTexts& texts, const Expectation& expected)
      : host_(host),
        texts_(texts),
        expected_(expected),
        conf_(content_of(host.conf())),
        journal_(crash::read_journal(content_of(host.state() / "journal"))) {}

  void judge() const {
    judge_conf();
    judge_journal();
    judge_named();
    judge_kept();
    judge_baseline();
    judge_history();
    judge_memory();
    if (!expected_.last.empty()) judge_way_back();
  }

private:
  void judge_conf() const;
  void judge_journal() const;
  void judge_named() const;
  void judge_kept() const;
  void judge_baseline() const;
  void judge_history() const;
  void judge_memory() const;
  void judge_way_back() const;
  std::set<std::string> named_in(const std::string& conf) const;
  std::string directory_of(std::uint64_t number) const;

  const crash::CrashHost& host_;
  const HostTexts& texts_;
  const Expectation& expected_;
  std::string conf_;
  crash::JournalReading journal_;
};

void complain(const crash::Complaints& complaints) {
  if (!complaints.empty()) throw Error(complaints.front());
}

void Judge::judge_conf() const {
  const auto info = look_at(host_.conf());
  if (!S_ISREG(info.st_mode)) throw Error("kong.conf is no regular file");
  if (!texts_.conf_modes.contains(info.st_mode & 07777)) throw Error("kong.conf has another mode");
  if (!texts_.conf_owners.contains(info.st_uid)) throw Error("kong.conf has another owner");
  if (!texts_.conf.contains(conf_)) throw Error("kong.conf is none of its texts:\n" + conf_);
  const auto lines = lines_of(conf_);
  for (const auto& line : expected_.lines) {
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) {
      throw Error("a person's edit '" + line + "' is not in kong.conf any more");
    }
  }
}

void Judge::judge_journal() const {
  if (journal_.open) throw Error("the journal still has an open transaction");
  if (expected_.generations.contains(journal_.committed)) return;
  throw Error("generation " + std::to_string(journal_.committed) + " is the confirmed one");
}

// The names of generations in a kong.conf.
std::set<std::string> Judge::named_in(const std::string& conf) const {
  const auto root = host_.generations().string() + "/";
  std::set<std::string> names;
  for (auto at = conf.find(root); at != std::string::npos; at = conf.find(root, at + 1)) {
    const auto begin = at + root.size();
    names.insert(conf.substr(begin, conf.find('/', begin) - begin));
  }
  return names;
}

// "000007-3fa9c1d2e4b0", as it lies on disk.
std::string Judge::directory_of(std::uint64_t number) const {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%06llu-", static_cast<unsigned long long>(number));
  for (const auto& entry : fs::directory_iterator(host_.generations())) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(digits)) return name;
  }
  throw Error("generation " + std::to_string(number) + " is not on disk");
}

void Judge::judge_named() const {
  const auto named = named_in(conf_);
  if (journal_.committed == 0) {
    if (!named.empty()) throw Error("kong.conf names " + *named.begin() + ", not the baseline");
    return;
  }
  const auto confirmed = directory_of(journal_.committed);
  if (named != std::set{confirmed}) throw Error("kong.conf does not name " + confirmed);
  if (journal_.committed_digest.starts_with(confirmed.substr(confirmed.find('-') + 1))) return;
  throw Error("the journal has another digest for " + confirmed);
}

// What has a generation's name is one, and what has none is not there.
void Judge::judge_kept() const {
  complain(crash::check_leftovers(host_));
  for (const auto& entry : fs::directory_iterator(host_.generations())) {
    complain(crash::check_generation(entry.path()));
  }
}

void Judge::judge_baseline() const {
  const auto path = host_.state() / "baseline.json";
  std::error_code ignored;
  if (fs::exists(path, ignored) ? content_of(path) == texts_.baseline : journal_.committed == 0) {
    return;
  }
  throw Error("baseline.json is not what was kept of the host before its first deploy");
}

// Every transaction whose end was told has its own line.
void Judge::judge_history() const {
  std::map<std::string, std::string> ended;
  const auto path = host_.state() / "history.jsonl";
  std::error_code ignored;
  const auto text = fs::exists(path, ignored) ? content_of(path) : "";
  for (const auto& line : lines_of(text)) {
    boost::json::error_code damaged;
    const auto value = boost::json::parse(line, damaged);
    if (damaged) continue;  // the power went while it was written
    ended[std::string(value.at("transaction").as_string())] = value.at("result").as_string();
  }
  for (const auto& [transaction, result] : expected_.ended) {
    const auto line = ended.find(transaction);
    if (line != ended.end() && line->second == result) continue;
    throw Error("history.jsonl does not say that " + transaction + " ended " + result);
  }
}

// A message that comes again is answered, not obeyed again; what failed is not tried again.
void Judge::judge_memory() const {
  if (!expected_.last.empty() && journal_.last_id != expected_.last) {
    throw Error("the journal does not know " + expected_.last + " any more");
  }
  const auto path = host_.state() / "poison.json";
  std::error_code ignored;
  const auto poison = fs::exists(path, ignored) ? content_of(path) : "";
  for (const auto& digest : expected_.poisoned) {
    if (poison.find(digest) == std::string::npos) throw Error("poison.json lacks " + digest);
  }
}

// Between transactions all that the way back needs is there: the generation, and the kong.conf that
// names it (P5).
void Judge::judge_way_back() const {
  if (journal_.earlier.empty()) return;
  const auto text = content_of(host_.conf().parent_path() / ".kong.conf.kongfleet-restore");
  if (!texts_.conf.contains(text)) throw Error("what restores kong.conf is not whole");
  const auto back = journal_.earlier.back();
  const auto named = back == 0 ? std::set<std::string>() : std::set{directory_of(back)};
  if (named_in(text) != named) throw Error("what restores kong.conf names another generation");
}

}  // namespace

Disk disk_of(const crash::CrashHost& host) {
  // Space put aside for a full disk, and what a preflight gives to Kong: nobody ever reads it
  // again.
  return {host.root(), {"kong", "state"}, {"state/ballast", "state/p-"}};
}

void Expectation::hear(const Mark& mark) {
  std::istringstream words(mark.text);
  std::string kind;
  words >> kind;
  if (kind == "begun") {
    last.clear();
  } else if (kind == "asked") {
    std::uint64_t generation = 0;
    words >> generation;
    generations.insert(generation);
  } else if (kind == "told") {
    std::uint64_t generation = 0;
    std::string result;
    words >> generation >> last >> result;
    generations = {generation};
    ended[last] = result;
  } else if (kind == "found") {
    std::uint64_t generation = 0;
    words >> generation;
    generations = {generation};
  } else if (kind == "poisoned") {
    std::string digest;
    words >> digest;
    poisoned.insert(digest);
  } else if (kind == "edited") {
    lines.insert(mark.text.substr(kind.size() + 1));
    return;
  } else if (kind == "adopted") {
    generations = {0};
    last.clear();
  } else if (kind == careless_mark) {
    return;  // for HostTexts
  } else {
    throw Error("'" + mark.text + "' is no mark of a host");
  }
  if (!words) throw Error("the mark '" + mark.text + "' is not whole");
}

HostTexts::HostTexts(const Recording& recording) {
  const crash::CrashHost host(recording.disk.root);
  const auto path = [&](const fs::path& there) { return there.lexically_relative(host.root()); };
  conf_file = path(host.conf());
  auto disk = recording.before;
  const auto look = [&] {
    const auto inode = *disk.find(conf_file);
    conf.emplace(disk.content(conf_file));
    conf_modes.insert(disk.mode(inode));
    conf_owners.insert(disk.owner(inode));
  };
  look();
  for (const auto& event : recording.events) {
    if (const auto* change = std::get_if<DiskChange>(&event)) {
      disk.apply(*change);
      look();
    } else if (const auto* mark = std::get_if<Mark>(&event)) {
      if (mark->text.starts_with(careless_mark)) careless.insert(*disk.find(conf_file));
    } else {
      // What lies beside it, whole, may become kong.conf.
      for (const auto* beside : {".kong.conf.kongfleet-new", ".kong.conf.kongfleet-restore"}) {
        const auto content = disk.content(conf_file.parent_path() / beside);
        if (!content.empty()) conf.emplace(content);
      }
    }
  }
  baseline = disk.content(path(host.state()) / "baseline.json");
}

bool HostTexts::torn_by_others(const DiskTree& disk) const {
  const auto inode = disk.find(conf_file);
  return inode && careless.contains(*inode) && !conf.contains(disk.content(conf_file));
}

std::string why_bad(const crash::CrashHost& host, const HostTexts& texts,
                    const Expectation& expected) {
  try {
    Judge(host, texts, expected).judge();
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace kongfleet::power
