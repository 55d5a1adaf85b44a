// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kongfleet::controller {

/// What ssh_config says of one host. Values are as written: tokens (%h) and ~ are not expanded yet.
struct SshHostConfig {
  std::string
      host_name;  ///< after %h: what to connect to; the host as asked for when nothing is said
  std::optional<std::string> user;
  std::optional<std::uint16_t> port;
  std::optional<std::string> host_key_alias;
  std::optional<std::string> proxy_jump;     ///< as written, "none" included
  std::optional<std::string> proxy_command;  ///< which is not supported, and must not be overlooked
  std::vector<std::string> identity_files;
  bool identities_only = false;
  std::vector<std::string> user_known_hosts;
};

/// OpenSSH's client configuration, as much of it as concerns us: Host, Match all/host/originalhost,
/// Include, HostName, User, Port, IdentityFile, IdentitiesOnly, ProxyJump, UserKnownHostsFile,
/// HostKeyAlias. The first value found wins, except that identity files add up. Other keywords are
/// passed over.
class SshConfig {
public:
  /// Gives the text of a file an Include names, or nothing when it cannot be read; and the files a
  /// pattern matches.
  struct Files {
    std::function<std::optional<std::string>(const std::string& path)> read;
    std::function<std::vector<std::string>(const std::string& pattern)> match;
  };

  /// Adds `text`, which came from `path`. Includes with a relative path are looked for beneath
  /// `include_root`. Throws Error("PATH:LINE: …") for a value that cannot be right.
  void add(std::string_view text, const std::string& path, const std::string& include_root,
           const Files& files);

  /// Reads what exists of `paths`. `home` is what ~ is. Throws Error.
  static SshConfig load(const std::vector<std::filesystem::path>& paths, const std::string& home);

  /// What is said of `host`, as the user wrote it.
  SshHostConfig find(const std::string& host) const;

  /// Blocks that were passed over because they ask for what is not evaluated here: Match exec.
  const std::vector<std::string>& notes() const { return notes_; }

private:
  struct Condition {
    enum class On { Original, HostName, Never };
    On on = On::Never;
    std::vector<std::string> patterns;
  };
  using Conditions = std::vector<Condition>;  // all must hold
  struct Directive {
    std::shared_ptr<const Conditions> conditions;
    std::string keyword;  // in lower case
    std::vector<std::string> values;
  };
  class Reader;
  static bool holds(const Conditions& conditions, const std::string& original,
                    const std::string& host_name);

  std::vector<Directive> directives_;
  std::vector<std::string> notes_;
};

}  // namespace kongfleet::controller
