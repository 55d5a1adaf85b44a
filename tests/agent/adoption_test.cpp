// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
// The kong.conf that is found on a host: adopted as generation 0 and given back as it was, or
// refused by name, untouched.
#include "agent/durable_file.hpp"
#include "agent/obstacle.hpp"

#include <catch2/catch.hpp>
#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agent_fixture.hpp"
#include "mount_fixture.hpp"
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;
using namespace std::chrono_literals;

namespace {

const std::string path_line = "lua_package_path = ./?.lua;./?/init.lua;\n";
const std::string plugins_line = "plugins = bundled\n";

struct Found : AgentFixture {
  explicit Found(const std::string& conf = "plugins = bundled\n") : AgentFixture(conf) {}
  /// As if Kong had its file elsewhere.
  void lives_at(const fs::path& path, const std::string& text = "plugins = bundled\n") {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    is_at(path);
  }
  /// In a directory of that file system's root; it is there as long as what is returned.
  Mount lives_on_a_disk_at(const fs::path& place) {
    fs::create_directory(place);
    auto disk = Mount::ext4(place, directory.path() / "image");
    lives_at(place / "kong/kong.conf");
    return disk;
  }
  void is_at(const fs::path& path) {
    config.conf = path;
    gateway.facts.conf = path;
  }
  Result back_to_baseline() {
    Order order;
    order.transaction = "back";
    return result(transactions->apply_at_once(order, transactions->plan_return(0), {}));
  }
  /// What the plan refuses, each reason; what keeps a host from being managed at all, too.
  std::string refusal() {
    try {
      std::string text;
      const auto plan = transactions->plan({.releases = {release("1.0.0")}});
      for (const auto& finding : plan.refusals) text += finding.code + ": " + finding.text + "\n";
      return text;
    } catch (const std::exception& error) {
      return error.what();
    }
  }
  /// Names beside kong.conf, its own not among them.
  std::vector<std::string> beside() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(config.conf.parent_path())) {
      if (entry.path() != config.conf) names.push_back(entry.path().filename());
    }
    return names;
  }
};

struct stat look(const fs::path& path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info;
}

std::string attribute(const fs::path& path, const char* name) {
  std::string value(256, '\0');
  const auto size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
  value.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return value;
}

void set_attribute(const fs::path& path, const char* name, const std::string& value) {
  REQUIRE(::lsetxattr(path.c_str(), name, value.data(), value.size(), 0) == 0);
}

// An ACL by which one more user may read (acl(5), linux/posix_acl_xattr.h): rw-, user 1234 r--,
// group r--, mask r--, others nothing.
std::string acl_for(unsigned char user_permissions) {
  std::string bytes{"\x02\0\0\0", 4};
  const auto entry = [&](char tag, unsigned char permissions, const std::string& id) {
    bytes += std::string{tag, '\0', static_cast<char>(permissions), '\0'} + id;
  };
  const std::string nobody = "\xff\xff\xff\xff";
  entry(0x01, 6, nobody);
  entry(0x02, user_permissions, std::string{"\xd2\x04\0\0", 4});
  entry(0x04, 4, nobody);
  entry(0x10, 4, nobody);
  entry(0x20, 0, nobody);
  return bytes;
}

constexpr auto acl = "system.posix_acl_access";
constexpr auto default_acl = "system.posix_acl_default";

}  // namespace

TEST_CASE("every byte that was found comes back, and Kong's default where a key was absent") {
  struct Case {
    std::string found;
    std::string appended;
  };
  for (const auto& [found, appended] : std::vector<Case>{
           {"", path_line + plugins_line},
           {"# only a comment\n", path_line + plugins_line},
           {"# no end", "\n" + path_line + plugins_line},
           {"plugins = bundled, key-auth  # a note\n", path_line},
           {"plugins=bundled\n", path_line},
           {"plugins = off\n", path_line},
           {"plugins = bundled,my-plugin\n", path_line},
           {"log_level = debug\n\nlua-package-path=/opt/mine/?.lua;;   \n", plugins_line},
           {path_line + plugins_line + "# mine\n", ""},
           {"plugins = bundled\r\nlog_level = info\r\n", path_line.substr(0, 40) + "\r\n"},
       }) {
    INFO(found);
    Found agent(found);
    REQUIRE(agent.deploy("1.0.0") == Result::Committed);
    REQUIRE(agent.deploy("1.1.0") == Result::Committed);
    CHECK(agent.back_to_baseline() == Result::Committed);
    CHECK(agent.conf() == found + appended);
    CHECK(agent.transactions->state().drift.empty());
    agent.check_at_rest();
  }
}

TEST_CASE("a trial that is taken back leaves what was found, with both keys explicit") {
  Found agent("log_level = notice\n");
  REQUIRE(agent.result(agent.apply("1.0.0")) == Result::Trial);
  CHECK(agent.result(agent.transactions->revert("t", "", {})) == Result::RolledBack);
  CHECK(agent.conf() == "log_level = notice\n" + path_line + plugins_line);
  agent.check_at_rest();
}

TEST_CASE("a host without kong.conf is refused by the name of what it lacks") {
  Found agent;
  fs::remove(agent.config.conf);
  CHECK(agent.refusal() == "find '" + agent.config.conf.string() + "': No such file or directory");
  const auto state = agent.transactions->state();
  CHECK(state.state == "unmanageable");
  CHECK(state.advice.find(agent.config.conf.string()) != std::string::npos);
  CHECK_FALSE(fs::exists(agent.config.conf));
}

TEST_CASE("through symlinks the file they lead to is adopted, and they stay") {
  Found agent;
  agent.lives_at(agent.directory.path() / "srv/real.conf");
  const auto real = agent.config.conf;
  fs::create_directories(agent.directory.path() / "etc");
  const auto link = agent.directory.path() / "etc/kong.conf";
  fs::create_symlink("../second", link);
  fs::create_symlink("srv/real.conf", agent.directory.path() / "second");
  agent.is_at(link);
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  CHECK(agent.named_version() == "1.0.0");
  CHECK(fs::read_symlink(link) == "../second");
  CHECK_FALSE(fs::is_symlink(real));
  CHECK(agent.beside().empty());
  CHECK(agent.back_to_baseline() == Result::Committed);
  CHECK(read_file(real) == plugins_line + path_line);
  CHECK(fs::read_symlink(link) == "../second");
}

TEST_CASE("a symlink that leads nowhere, or in circles, is refused by name") {
  Found agent;
  const auto link = agent.directory.path() / "link";
  fs::create_symlink(agent.directory.path() / "nowhere", link);
  agent.is_at(link);
  CHECK(agent.refusal() == "find '" + link.string() + "': No such file or directory");
  fs::remove(link);
  fs::create_symlink(link, link);
  CHECK(agent.refusal() == "find '" + link.string() + "': Too many levels of symbolic links");
}

TEST_CASE("what is no regular file is refused by name, and a FIFO holds nothing up") {
  Found agent;
  const auto conf = agent.config.conf;
  const auto refused = "'" + conf.string() + "' is not a regular file";
  fs::remove(conf);
  REQUIRE(::mkfifo(conf.c_str(), 0644) == 0);
  CHECK(agent.refusal() == refused);
  fs::remove(conf);
  fs::create_directory(conf);
  CHECK(agent.refusal() == refused);
  fs::remove(conf);
  fs::create_symlink("/dev/null", conf);
  CHECK(agent.refusal() == "'/dev/null' is not a regular file");
}

TEST_CASE("a kong.conf in a bind mount of its own is refused; in one of its directory it is not") {
  in_own_mounts([] {
    Found agent;
    agent.lives_at(agent.directory.path() / "etc/kong.conf");
    const auto elsewhere = agent.directory.path() / "elsewhere";
    std::ofstream(elsewhere) << "plugins = bundled,key-auth\n";
    {
      const auto mount = Mount::bind(elsewhere, agent.config.conf);
      CHECK(agent.refusal().starts_with("conf: '" + agent.config.conf.string() +
                                        "' is a mount point of its own (a bind mount)"));
      CHECK(agent.conf() == "plugins = bundled,key-auth\n");
      CHECK(agent.beside().empty());
    }
    const auto etc = agent.config.conf.parent_path();
    const auto mount = Mount::bind(etc, etc);
    CHECK(agent.refusal().empty());
    CHECK(agent.deploy("1.0.0") == Result::Committed);
  });
}

TEST_CASE("a read-only file system refuses in the plan, with the way to open it") {
  in_own_mounts([] {
    Found agent;
    agent.lives_at(agent.directory.path() / "etc/kong.conf");
    const auto etc = agent.config.conf.parent_path();
    const auto mount = Mount::bind(etc, etc);
    mount.make_read_only();
    const auto said = agent.refusal();
    CHECK(said.starts_with("conf: the directory '" + etc.string() +
                           "' is read-only here; mkdir -p /etc/systemd/system/"));
    CHECK(said.find("ReadWritePaths=" + etc.string()) != std::string::npos);
    // What lies above it may be mounted anew; a line that is cut off tells nothing.
    const auto mounts = agent.directory.path() / "mountinfo";
    std::ofstream(mounts) << "36 22 0:21 / " << etc.string()
                          << " ro - ext4 /dev/a rw\n22 1 0:21 / / ro - ext4 /dev/b ro\n37 22\n";
    CHECK(obstacle_to_replace(agent.config.conf, mounts).find("; mkdir -p") != std::string::npos);
  });
}

TEST_CASE("a file system that is read-only for everybody is not opened by a unit") {
  in_own_mounts([] {
    Found agent;
    const auto place = agent.directory.path() / "etc";
    const auto disk = agent.lives_on_a_disk_at(place);
    REQUIRE(::mount("none", place.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
    CHECK(agent.refusal().find("is read-only here; remount it, or") != std::string::npos);
  });
}

TEST_CASE("an immutable or append-only file or directory is refused until that is taken away") {
  in_own_mounts([] {
    Found agent;
    const auto place = agent.directory.path() / "etc";
    const auto disk = agent.lives_on_a_disk_at(place);
    const auto before = look(agent.config.conf).st_ino;
    for (const auto& locked : {agent.config.conf, place / "kong"}) {
      for (const int flag : {FS_IMMUTABLE_FL, FS_APPEND_FL}) {
        const Attributes attributes(locked, flag);
        const std::string word =
            flag == FS_IMMUTABLE_FL ? "immutable; chattr -i" : "append-only; chattr -a";
        CHECK(agent.refusal() ==
              "conf: '" + locked.string() + "' is " + word + " " + locked.string() + "\n");
        CHECK(look(agent.config.conf).st_ino == before);
        CHECK(agent.beside().empty());
      }
    }
    CHECK(agent.deploy("1.0.0") == Result::Committed);
    CHECK(agent.back_to_baseline() == Result::Committed);
    CHECK(agent.beside().empty());
  });
}

TEST_CASE("a kong.conf with a second name is refused until it is a file of its own") {
  Found agent;
  agent.lives_at(agent.directory.path() / "etc/kong.conf");
  const auto twin = agent.directory.path() / "twin";
  fs::create_hard_link(agent.config.conf, twin);
  CHECK(agent.refusal().starts_with("conf: '" + agent.config.conf.string() + "' has 2 hard links"));
  CHECK(look(agent.config.conf).st_ino == look(twin).st_ino);
  CHECK(agent.beside().empty());
  fs::remove(twin);
  CHECK(agent.deploy("1.0.0") == Result::Committed);
}

TEST_CASE("owner, mode, ACL and attributes stay there and back") {
  Found agent;
  const auto& conf = agent.config.conf;
  REQUIRE(::chown(conf.c_str(), 1234, 2345) == 0);
  REQUIRE(::chmod(conf.c_str(), 0640) == 0);
  set_attribute(conf, "user.note", "kept");
  set_attribute(conf, acl, acl_for(4));
  const auto same = [&, before = look(conf)] {
    const auto now = look(conf);
    CHECK(now.st_uid == 1234);
    CHECK(now.st_gid == 2345);
    CHECK(now.st_mode == before.st_mode);
    CHECK(attribute(conf, acl) == acl_for(4));
    CHECK(attribute(conf, "user.note") == "kept");
  };
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  same();
  REQUIRE(agent.deploy("1.1.0") == Result::Committed);
  same();
  REQUIRE(agent.result(agent.apply("1.0.0")) == Result::Trial);
  CHECK(agent.result(agent.transactions->revert("t", "", {})) == Result::RolledBack);
  same();
  CHECK(agent.back_to_baseline() == Result::Committed);
  same();
}

TEST_CASE("an ACL that was changed during a trial stays when it is taken back") {
  Found agent;
  set_attribute(agent.config.conf, acl, acl_for(4));
  REQUIRE(agent.result(agent.apply("1.0.0")) == Result::Trial);
  set_attribute(agent.config.conf, acl, acl_for(0));
  CHECK(agent.result(agent.transactions->revert("t", "", {})) == Result::RolledBack);
  CHECK(attribute(agent.config.conf, acl) == acl_for(0));
}

TEST_CASE("what is kept beside kong.conf is closed to whom an ACL let in") {
  Found agent;
  set_attribute(agent.config.conf, acl, acl_for(4));
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  const auto kept = agent.config.conf.parent_path() / ".kong.conf.kongfleet-restore";
  CHECK((look(kept).st_mode & 07777) == 0600);  // the group's bits are the ACL's mask
  CHECK(agent.back_to_baseline() == Result::Committed);
  CHECK(attribute(agent.config.conf, acl) == acl_for(4));
}

TEST_CASE("a default ACL of the directory does not get onto kong.conf") {
  Found agent;
  agent.lives_at(agent.directory.path() / "etc/kong.conf");
  set_attribute(agent.config.conf.parent_path(), default_acl, acl_for(4));
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  CHECK(attribute(agent.config.conf, acl).empty());
  CHECK(agent.back_to_baseline() == Result::Committed);
  CHECK(attribute(agent.config.conf, acl).empty());
}

TEST_CASE("a file that nobody may write stays so") {
  Found agent;
  REQUIRE(::chmod(agent.config.conf.c_str(), 0400) == 0);
  REQUIRE(agent.deploy("1.0.0") == Result::Committed);
  CHECK((look(agent.config.conf).st_mode & 07777) == 0400);
}

TEST_CASE("a file that would be too large for Kong's sake is refused, not cut") {
  Found agent("# " + std::string(std::size_t{1} << 20, 'x') + "\n");
  CHECK(agent.refusal().find("larger than") != std::string::npos);
}
