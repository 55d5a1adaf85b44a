// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kongfleet::agent {

/// Where a host keeps what we look at. The defaults are a host's own; tests put directories of
/// theirs in.
struct HostPaths {
  std::filesystem::path proc = "/proc";
  std::filesystem::path systemd = "/run/systemd/system";  // is there where systemd runs the host
  std::filesystem::path systemd_conf = "/etc/systemd";    // system.conf, and units below system/
  std::filesystem::path passwd = "/etc/passwd";
  std::filesystem::path group = "/etc/group";
  std::filesystem::path hosts = "/etc/hosts";
  /// PATH of every program we run: Kong's command starts with `#!/usr/bin/env resty`.
  std::string path =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/openresty/bin";
  /// Where Kong finds modules after lua_package_path: nginx's compiled-in default and OpenResty's
  /// own libraries, those in C as well.
  std::vector<std::filesystem::path> lua_roots = {"/usr/local/share/lua/5.1",
                                                  "/usr/local/lib/lua/5.1",
                                                  "/usr/local/openresty/site/lualib",
                                                  "/usr/local/openresty/lualib",
                                                  "/usr/local/openresty/luajit/share/lua/5.1",
                                                  "/usr/local/openresty/luajit/lib/lua/5.1",
                                                  "/usr/share/lua/5.1"};
  /// The tree that luarocks.loader prefers to lua_package_path (Kong before 3.9).
  std::filesystem::path rocks = "/usr/local/lib/luarocks/rocks-5.1";
};

}  // namespace kongfleet::agent
