// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/file_identity.hpp"

#include "proto/error.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent_fixture.hpp"
#include "system_call_fixture.hpp"
#include <cerrno>
#include <fstream>

using namespace kongfleet;
using namespace kongfleet::agent;

namespace fs = std::filesystem;

namespace {

struct File {
  TempDir directory;
  fs::path path = directory.path() / "file";
  Fd fd;
  File() {
    std::ofstream(path) << "x";
    fd = Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(fd);
  }
  FileIdentity is() const { return identity_of(fd, path); }
  void become(const FileIdentity& wanted) const { set_identity(fd, wanted, path); }
};

const FileIdentity somebodys{
    1234, 2345, 0640, {{"user.changed", "before"}, {"user.gone", ""}, {"user.same", "s"}}};
const FileIdentity others{
    1234, 3456, 04755, {{"user.changed", "after"}, {"user.new", "n"}, {"user.same", "s"}}};

}  // namespace

TEST_CASE("a file takes another's owner, mode and attributes, and loses its own") {
  const File file;
  file.become(somebodys);
  CHECK(file.is() == somebodys);
  file.become(others);
  CHECK(file.is() == others);
  auto only_owner = others;
  only_owner.owner = 4567;
  file.become(only_owner);
  CHECK(file.is() == only_owner);  // a change of owner clears set-user-ID; it comes again
}

TEST_CASE("a file that is as wanted is not written to") {
  const File file;
  file.become(somebodys);
  struct stat before {};
  struct stat after {};
  REQUIRE(::fstat(file.fd.get(), &before) == 0);
  file.become(somebodys);
  REQUIRE(::fstat(file.fd.get(), &after) == 0);
  CHECK(after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
}

TEST_CASE("where a file system has no attributes, a file has none") {
  const File file;
  FileIdentity seen;
  CHECK(message_with({SYS_flistxattr, ENOTSUP}, [&] { seen = file.is(); }).empty());
  CHECK(seen.attributes.empty());
}

TEST_CASE("what of a file's identity can't be read or set is named") {
  const File file;
  file.become(somebodys);
  const auto look = [&] { file.is(); };
  const auto become = [&] { file.become(others); };
  const auto says = [&](const std::string& doing) {
    return doing + " '" + file.path.string() + "': Input/output error";
  };
  CHECK(message_with({SYS_newfstatat, EIO}, look) == says("look at"));
  CHECK(message_with({SYS_flistxattr, EIO}, look) == says("list extended attributes of"));
  CHECK(message_with({SYS_fgetxattr, EIO}, look) ==
        says("read extended attribute user.changed of"));
  CHECK(message_with({SYS_fchown, EIO}, become) == says("set the owner of"));
  CHECK(message_with({SYS_fremovexattr, EIO}, become) ==
        says("remove extended attribute user.gone of"));
  CHECK(message_with({SYS_fsetxattr, EIO}, become) ==
        says("set extended attribute user.changed of"));
  CHECK(message_with({SYS_fchmod, EIO}, become) == says("set the mode of"));
}
