// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/plugin_tree.hpp"
#include "proto/error.hpp"
#include "tests/hostile/cases.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

constexpr off_t too_large = off_t{300} << 20;
constexpr int files_too_many = 20'001;

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

/// A good plugin tree, to which something is done.
LocalCase of_tree(const std::string& name, const std::string& threat, const std::string& wanted,
                  const std::function<void(const fs::path& plugin)>& spoil) {
  return {"tree: " + name, threat, wanted,
          [](const fs::path& directory) {
            auto tree = controller::read_plugin_tree(directory / "tree");
            controller::make_release(*PluginName::parse("greet"), *Version::parse("1.0.0"),
                                     std::move(tree));
            return "accepted"s;
          },
          [spoil](const fs::path& directory) {
            const auto plugin = directory / "tree/kong/plugins/greet";
            put(plugin / "handler.lua", "return {}\n");
            put(plugin / "schema.lua", "return {}\n");
            spoil(plugin);
          }};
}

LocalCase of_name(const std::string& name, const std::string& file, const std::string& wanted) {
  return of_tree("a file's name with " + name, "T11", wanted,
                 [file](const fs::path& plugin) { put(plugin / file, "x"); });
}

void make_socket(const fs::path& path) {
  fs::create_directories(path.parent_path());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.native().size(), std::size_t{107}));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool bound =
      fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  if (!bound) throw_errno("make", path);
}

LocalCases kinds() {
  const std::string link = "is a symbolic link";
  const std::string neither = "is neither a plain file nor a directory";
  return {
      of_tree("a link to a secret", "T10", link,
              [](const fs::path& plugin) { fs::create_symlink("/etc/shadow", plugin / "a.lua"); }),
      of_tree("a link within it", "T10", link,
              [](const fs::path& plugin) { fs::create_symlink("handler.lua", plugin / "a.lua"); }),
      of_tree("a link to a directory above", "T10", link,
              [](const fs::path& plugin) { fs::create_symlink("../../..", plugin / "a"); }),
      of_tree("a link to nowhere", "T10", link,
              [](const fs::path& plugin) { fs::create_symlink("nowhere", plugin / "a.lua"); }),
      of_tree("a pipe", "T10", neither,
              [](const fs::path& plugin) {
                if (::mkfifo((plugin / "a.lua").c_str(), 0644) != 0) throw_errno("make", plugin);
              }),
      of_tree("a socket", "T10", neither,
              [](const fs::path& plugin) { make_socket(plugin / "a.lua"); }),
      of_tree("a device", "T10", neither,
              [](const fs::path& plugin) {
                if (::mknod((plugin / "a.lua").c_str(), S_IFCHR | 0644, makedev(1, 5)) != 0)
                  throw_errno("make", plugin);
              }),
      of_tree("a setuid file", "T10", "is setuid or setgid",
              [](const fs::path& plugin) { ::chmod((plugin / "handler.lua").c_str(), 04755); }),
      of_tree("a setgid file", "T10", "is setuid or setgid",
              [](const fs::path& plugin) { ::chmod((plugin / "handler.lua").c_str(), 02755); }),
      of_tree("no handler", "T14", "handler.lua' is missing",
              [](const fs::path& plugin) { fs::remove(plugin / "handler.lua"); }),
      of_tree("a tree that is a link to a file", "T10", "is not a directory",
              [](const fs::path& plugin) {
                const auto tree = plugin.parent_path().parent_path().parent_path();
                fs::remove_all(tree);
                fs::create_symlink("/etc/passwd", tree);
              }),
      of_tree("plugins that are a link", "T10", "there is no kong/plugins/ in it",
              [](const fs::path& plugin) {
                fs::remove_all(plugin.parent_path());
                fs::create_symlink("/etc", plugin.parent_path());
              }),
  };
}

LocalCases shapes() {
  const std::string other = "has a character other than";
  return {
      of_name("a line end", "a\nb.lua", other),
      of_name("an escape sequence", "\x1b[2J.lua", "'kong/plugins/greet/\\x1b[2J.lua' has"),
      of_name("a bidirectional override", "a\xe2\x80\xae.lua", other),
      of_name("a byte that is no UTF-8", "a\xff.lua", other),
      of_name("a blank", "a b.lua", other),
      of_name("a semicolon", "a;b.lua", other),
      of_name("a backslash", "a\\..\\x.lua", other),
      of_name("a dash in front", "-rf.lua", "begins with '-'"),
      of_name("101 bytes", std::string(101, 'a'), "longer than 100 bytes"),
      of_tree("17 levels", "T11", "more than 16 directories deep",
              [](const fs::path& plugin) { put(plugin / "a/a/a/a/a/a/a/a/a/a/a/a/a/a/x", "x"); }),
      of_tree("case twins", "T12", "differs only in case",
              [](const fs::path& plugin) {
                put(plugin / "A.lua", "x");
                put(plugin / "a.lua", "x");
              }),
      of_tree("a module of Kong's", "T16", "would replace a module of Kong's",
              [](const fs::path& plugin) {
                put(plugin.parent_path().parent_path() / "init.lua", "x");
              }),
      of_tree("a file of 300 MiB", "T13", "is too large; a release has at most 256 MiB",
              [](const fs::path& plugin) {
                if (::truncate((plugin / "handler.lua").c_str(), too_large) != 0)
                  throw_errno("make large", plugin);
              }),
      of_tree("20,001 files", "T13", "is one file too many",
              [](const fs::path& plugin) {
                for (int i = 0; i < files_too_many; ++i)
                  std::ofstream(plugin / ("f" + std::to_string(i)));
              }),
  };
}

}  // namespace

LocalCases tree_cases() {
  LocalCases cases;
  for (auto* part : {kinds, shapes}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
