// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/ssh_config.hpp"

#include "controller/ssh_file.hpp"
#include "controller/ssh_pattern.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <glob.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace kongfleet::controller {
namespace {

constexpr int include_depth_max = 16;  // as in OpenSSH
constexpr std::size_t file_bytes_max = 16U << 20;
constexpr std::size_t included_max = 1000;

/// The words of one line: the keyword, perhaps followed by '=', then values, which may be in
/// quotes.
std::vector<std::string> words_of(std::string_view line) {
  constexpr std::string_view blanks = " \t\r\f";
  std::vector<std::string> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    if (words.size() == 1 && line.starts_with('=')) {
      line.remove_prefix(1);
      line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    }
    if (line.empty() || line.front() == '#') return words;
    const bool quoted = line.front() == '"';
    if (quoted) line.remove_prefix(1);
    const std::string_view ends = quoted ? "\"" : words.empty() ? " \t\r\f=" : blanks;
    const std::size_t end = std::min(line.find_first_of(ends), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + (quoted ? 1 : 0), line.size()));
  }
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::string replaced(std::string text, std::string_view token, const std::string& value) {
  for (std::size_t at = 0; (at = text.find(token, at)) != std::string::npos; at += value.size()) {
    text.replace(at, token.size(), value);
  }
  return text;
}

template <class Value>
void first_wins(std::optional<Value>& slot, Value value) {
  if (!slot) slot = std::move(value);
}

std::optional<std::string> read_text(const std::string& path) {
  return read_whole_file(path, "reading the SSH configuration", file_bytes_max);
}

std::vector<std::string> match_files(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return paths;
}

}  // namespace

/// Turns the lines of a file, and of what it includes, into directives.
class SshConfig::Reader {
public:
  Reader(SshConfig& config, std::string root, const Files& files)
      : config_(config), root_(std::move(root)), files_(files) {}

  void read(std::string_view text, const std::string& path,
            const std::shared_ptr<const Conditions>& outer, int depth) {
    std::shared_ptr<const Conditions> conditions = outer;
    for (std::size_t number = 1; !text.empty(); ++number) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::vector<std::string> words = words_of(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (words.empty()) continue;
      where_ = path + ':' + std::to_string(number) + ": ";
      Directive line{conditions, lower_case(words[0]), {words.begin() + 1, words.end()}};
      if (line.keyword == "host") {
        conditions = narrowed(*outer, {Condition::On::Original, line.values});
      } else if (line.keyword == "match") {
        conditions = matched(*outer, line.values);
      } else if (line.keyword == "include") {
        for (const std::string& pattern : line.values) include(pattern, conditions, depth);
      } else if (concerns_us(line)) {
        config_.directives_.push_back(std::move(line));
      }
    }
  }

private:
  static std::shared_ptr<const Conditions> narrowed(Conditions conditions, Condition more) {
    conditions.push_back(std::move(more));
    return std::make_shared<const Conditions>(std::move(conditions));
  }

  std::shared_ptr<const Conditions> matched(Conditions conditions,
                                            const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); i += 2) {
      const std::string criterion = lower_case(words[i]);
      if (criterion == "all" && words.size() == 1) break;
      const bool host = criterion == "host";
      if ((!host && criterion != "originalhost") || i + 1 == words.size()) {
        config_.notes_.push_back(where_ + "'Match " + words[i] +
                                 "' is not evaluated: the block is passed over");
        return narrowed({}, {Condition::On::Never, {}});
      }
      conditions.push_back({host ? Condition::On::HostName : Condition::On::Original,
                            split_list(words[i + 1], ',')});
    }
    return std::make_shared<const Conditions>(std::move(conditions));
  }

  void include(const std::string& pattern, const std::shared_ptr<const Conditions>& conditions,
               int depth) {
    if (depth >= include_depth_max) throw Error(where_ + "too many Includes within each other");
    std::string full = pattern;
    if (pattern.starts_with("~/"))
      full = home() + pattern.substr(1);
    else if (!pattern.starts_with('/'))
      full = root_ + '/' + pattern;
    for (const std::string& path : files_.match(full)) {
      // Each of a few files may include each of the others, a few times.
      if (++included_ > included_max) throw Error(where_ + "more than 1000 files are included");
      const std::optional<std::string> text = files_.read(path);
      bytes_ += text ? text->size() : 0;
      if (bytes_ > file_bytes_max) throw Error(where_ + "what is included is larger than 16 MiB");
      const std::string where = where_;
      if (text) read(*text, path, conditions, depth + 1);
      where_ = where;
    }
  }

  // Relative includes of the user's file are looked for in ~/.ssh, so that is where home is.
  std::string home() const { return std::filesystem::path(root_).parent_path().string(); }

  bool concerns_us(const Directive& line) const {
    const auto& names = known_keywords();
    if (std::find(names.begin(), names.end(), line.keyword) == names.end()) return false;
    if (line.values.empty()) throw Error(where_ + line.keyword + ": the value is missing");
    if (line.keyword == "port" && !parse_port(line.values[0])) {
      throw Error(where_ + "Port '" + line.values[0] + "' is not a number from 1 to 65535");
    }
    const std::string first = lower_case(line.values[0]);
    if (line.keyword == "identitiesonly" && first != "yes" && first != "no") {
      throw Error(where_ + "IdentitiesOnly '" + line.values[0] + "' is neither yes nor no");
    }
    return true;
  }

  static const std::vector<std::string>& known_keywords() {
    static const std::vector<std::string> names = {
        "hostname",  "user",         "port",         "identityfile",       "identitiesonly",
        "proxyjump", "proxycommand", "hostkeyalias", "userknownhostsfile",
    };
    return names;
  }

  SshConfig& config_;
  std::string root_;
  const Files& files_;
  std::string where_;  // "PATH:LINE: " of the line being read
  std::size_t included_ = 0;
  std::size_t bytes_ = 0;  // of what was included
};

void SshConfig::add(std::string_view text, const std::string& path, const std::string& include_root,
                    const Files& files) {
  Reader(*this, include_root, files).read(text, path, std::make_shared<const Conditions>(), 0);
}

SshConfig SshConfig::load(const std::vector<std::filesystem::path>& paths,
                          const std::string& home) {
  SshConfig config;
  const Files files{read_text, match_files};
  for (const std::filesystem::path& path : paths) {
    const std::optional<std::string> text = read_text(path.string());
    if (!text) continue;
    const bool system = path.string().starts_with("/etc/");
    config.add(*text, path.string(), system ? path.parent_path().string() : home + "/.ssh", files);
  }
  return config;
}

bool SshConfig::holds(const Conditions& conditions, const std::string& original,
                      const std::string& host_name) {
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) {
    if (condition.on == Condition::On::Never) return false;
    const bool by_name = condition.on == Condition::On::HostName;
    return pattern_list_matches(by_name ? host_name : original, condition.patterns);
  });
}

SshHostConfig SshConfig::find(const std::string& host) const {
  SshHostConfig found;
  std::optional<std::string> host_name;
  std::optional<bool> identities_only;
  bool known_hosts_said = false;
  for (const Directive& line : directives_) {
    if (!holds(*line.conditions, host, host_name.value_or(host))) continue;
    const std::string& value = line.values[0];
    if (line.keyword == "hostname") {
      first_wins(host_name, replaced(value, "%h", host));
    } else if (line.keyword == "user") {
      first_wins(found.user, value);
    } else if (line.keyword == "port") {
      if (!found.port) found.port = parse_port(value);
    } else if (line.keyword == "hostkeyalias") {
      first_wins(found.host_key_alias, value);
    } else if (line.keyword == "identitiesonly") {
      first_wins(identities_only, lower_case(value) == "yes");
    } else if (line.keyword == "identityfile") {
      found.identity_files.push_back(value);
    } else if (line.keyword == "proxyjump") {
      if (!found.proxy_command) first_wins(found.proxy_jump, value);
    } else if (line.keyword == "proxycommand") {
      if (!found.proxy_jump) first_wins(found.proxy_command, value);
    } else if (line.keyword == "userknownhostsfile" && !std::exchange(known_hosts_said, true)) {
      found.user_known_hosts = line.values;
    }
  }
  found.host_name = host_name.value_or(host);
  found.identities_only = identities_only.value_or(false);
  return found;
}

}  // namespace kongfleet::controller
