// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/mutating_call.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace kongfleet::crash {

namespace {

namespace fs = std::filesystem;

/// Where a call has what it is about. `at`: the argument with the directory's descriptor, -1: paths
/// are relative to the current directory.
struct Shape {
  long number;
  const char* name;
  enum Kind { Open, Descriptor, Path, TwoPaths, Signal, Bind } kind;
  int at = -1;
  int path = 0;
};

using enum Shape::Kind;

constexpr std::array shapes{
    Shape{SYS_open, "open", Open, -1, 0},
    Shape{SYS_openat, "openat", Open, 0, 1},
    Shape{SYS_creat, "creat", Path, -1, 0},
    Shape{SYS_write, "write", Descriptor},
    Shape{SYS_pwrite64, "pwrite64", Descriptor},
    Shape{SYS_writev, "writev", Descriptor},
    Shape{SYS_pwritev, "pwritev", Descriptor},
    Shape{SYS_pwritev2, "pwritev2", Descriptor},
    Shape{SYS_sendfile, "sendfile", Descriptor},
    Shape{SYS_rename, "rename", TwoPaths, -1, 0},
    Shape{SYS_renameat, "renameat", TwoPaths, 0, 1},
    Shape{SYS_renameat2, "renameat2", TwoPaths, 0, 1},
    Shape{SYS_link, "link", TwoPaths, -1, 0},
    Shape{SYS_linkat, "linkat", TwoPaths, 0, 1},
    Shape{SYS_symlink, "symlink", Path, -1, 1},
    Shape{SYS_symlinkat, "symlinkat", Path, 1, 2},
    Shape{SYS_unlink, "unlink", Path, -1, 0},
    Shape{SYS_unlinkat, "unlinkat", Path, 0, 1},
    Shape{SYS_mkdir, "mkdir", Path, -1, 0},
    Shape{SYS_mkdirat, "mkdirat", Path, 0, 1},
    Shape{SYS_mknod, "mknod", Path, -1, 0},
    Shape{SYS_mknodat, "mknodat", Path, 0, 1},
    Shape{SYS_rmdir, "rmdir", Path, -1, 0},
    Shape{SYS_fsync, "fsync", Descriptor},
    Shape{SYS_fdatasync, "fdatasync", Descriptor},
    Shape{SYS_syncfs, "syncfs", Descriptor},
    Shape{SYS_sync_file_range, "sync_file_range", Descriptor},
    Shape{SYS_chmod, "chmod", Path, -1, 0},
    Shape{SYS_fchmod, "fchmod", Descriptor},
    Shape{SYS_fchmodat, "fchmodat", Path, 0, 1},
    Shape{SYS_chown, "chown", Path, -1, 0},
    Shape{SYS_lchown, "lchown", Path, -1, 0},
    Shape{SYS_fchown, "fchown", Descriptor},
    Shape{SYS_fchownat, "fchownat", Path, 0, 1},
    Shape{SYS_setxattr, "setxattr", Path, -1, 0},
    Shape{SYS_lsetxattr, "lsetxattr", Path, -1, 0},
    Shape{SYS_fsetxattr, "fsetxattr", Descriptor},
    Shape{SYS_truncate, "truncate", Path, -1, 0},
    Shape{SYS_ftruncate, "ftruncate", Descriptor},
    Shape{SYS_fallocate, "fallocate", Descriptor},
    Shape{SYS_utimensat, "utimensat", Path, 0, 1},
    Shape{SYS_ioctl, "ioctl", Descriptor},
    Shape{SYS_bind, "bind", Bind},
    Shape{SYS_kill, "kill", Signal},
    Shape{SYS_pidfd_send_signal, "pidfd_send_signal", Signal},
};

constexpr std::uint64_t opens_for_change = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;

enum class Until { Size, Nul };

/// The traced process's memory; as much of it as can be read. Of a text no more than is needed.
std::string memory_of(pid_t thread, std::uint64_t address, std::size_t size, Until until) {
  std::string bytes(size, '\0');
  // What lies beyond the end of a page may not be there: read page by page.
  std::size_t done = 0;
  while (done < size) {
    const auto at = address + done;
    const auto piece = std::min<std::size_t>(size - done, 4096 - at % 4096);
    iovec local{bytes.data() + done, piece};
    iovec remote{reinterpret_cast<void*>(at), piece};
    if (::process_vm_readv(thread, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(piece)) break;
    done += piece;
    if (until == Until::Nul && bytes.find('\0', done - piece) < done) break;
  }
  bytes.resize(done);
  return bytes;
}

std::string string_at(pid_t thread, std::uint64_t address) {
  const auto bytes = memory_of(thread, address, PATH_MAX, Until::Nul);
  return bytes.substr(0, bytes.find('\0'));
}

fs::path link_of(pid_t thread, const std::string& what) {
  std::error_code ignored;
  return fs::read_symlink("/proc/" + std::to_string(thread) + "/" + what, ignored);
}

fs::path descriptor_path(pid_t thread, std::uint64_t fd) {
  return link_of(thread, "fd/" + std::to_string(static_cast<int>(fd)));
}

bool is_file_or_directory(pid_t thread, std::uint64_t fd) {
  struct stat info {};
  const auto path =
      "/proc/" + std::to_string(thread) + "/fd/" + std::to_string(static_cast<int>(fd));
  return ::stat(path.c_str(), &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
}

struct Reader {
  pid_t thread;
  const RawCall& raw;

  std::uint64_t argument(int at) const { return raw.arguments.at(static_cast<std::size_t>(at)); }
  fs::path path(int directory, int at) const {
    const fs::path path = string_at(thread, argument(at));
    if (path.is_absolute()) return path;
    const bool current = directory < 0 || static_cast<int>(argument(directory)) == AT_FDCWD;
    return (current ? link_of(thread, "cwd") : descriptor_path(thread, argument(directory))) / path;
  }
  fs::path socket_path() const {
    const auto size = std::min<std::size_t>(argument(2), sizeof(sockaddr_un));
    const auto bytes = memory_of(thread, argument(1), size, Until::Size);
    sa_family_t family = 0;
    if (bytes.size() <= sizeof family) return {};
    std::memcpy(&family, bytes.data(), sizeof family);
    return family == AF_UNIX ? bytes.substr(sizeof family).c_str() : "";
  }
};

bool below(const fs::path& path, const fs::path& scope) {
  return path.native().starts_with(scope.native() + "/");
}

void read_open(const Reader& reader, const Shape& shape, MutatingCall& call) {
  call.path = reader.path(shape.at, shape.path);
  call.flags_argument = shape.path + 1;
  call.exclusive = (reader.argument(call.flags_argument) & O_EXCL) != 0;
  call.truncates = (reader.argument(call.flags_argument) & O_TRUNC) != 0;
}

void read_paths(const Reader& reader, const Shape& shape, MutatingCall& call) {
  call.path = reader.path(shape.at, shape.path);
  if (shape.kind != TwoPaths) return;
  call.other = shape.at < 0 ? reader.path(-1, 1) : reader.path(2, 3);
  call.renames = std::string_view(shape.name).starts_with("rename");
}

}  // namespace

std::string MutatingCall::text() const {
  if (!disk) return name;
  const auto brief = [](const fs::path& file) {
    return (file.parent_path().filename() / file.filename()).string();
  };
  return name + " " + brief(path) + (other.empty() ? "" : " -> " + brief(other)) +
         (exclusive ? " (exclusive)" : "");
}

std::optional<MutatingCall> mutating_call(pid_t thread, const RawCall& raw, const fs::path& scope) {
  const auto shape = std::find_if(shapes.begin(), shapes.end(), [&](const Shape& one) {
    return one.number == static_cast<long>(raw.number);
  });
  if (shape == shapes.end()) return std::nullopt;
  MutatingCall call;
  call.thread = thread;
  call.name = shape->name;
  const Reader reader{thread, raw};
  if (shape->kind == Signal) {
    call.disk = false;
    return call;
  }
  if (shape->kind == Open) read_open(reader, *shape, call);
  if (shape->kind == Path || shape->kind == TwoPaths) read_paths(reader, *shape, call);
  if (shape->kind == Bind) call.path = reader.socket_path();
  if (shape->kind == Descriptor) {
    if (!is_file_or_directory(thread, reader.argument(0))) return std::nullopt;
    call.path = descriptor_path(thread, reader.argument(0));
  }
  if (!below(call.path, scope) && !below(call.other, scope)) return std::nullopt;
  return call;
}

CallFilter::CallFilter() {
  const auto load = [&](std::size_t offset) {
    program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  };
  const auto skip_unless = [&](int test, std::uint64_t value, std::uint8_t skipped) {
    program_.push_back(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K),
                                static_cast<std::uint32_t>(value), 0, skipped));
  };
  const auto answer = [&](std::uint32_t action) {
    program_.push_back(BPF_STMT(BPF_RET | BPF_K, action));
  };
  load(offsetof(seccomp_data, nr));
  for (const auto& shape : shapes) {
    const auto number = static_cast<std::uint64_t>(shape.number);
    // The low half of an argument: flags and requests have 32 bits.
    if (shape.kind == Open) {
      skip_unless(BPF_JEQ, number, 4);
      load(offsetof(seccomp_data, args) + 8 * static_cast<std::size_t>(shape.path + 1));
      skip_unless(BPF_JSET, opens_for_change, 1);
      answer(SECCOMP_RET_TRACE);
      answer(SECCOMP_RET_ALLOW);
    } else if (shape.number == SYS_ioctl) {
      skip_unless(BPF_JEQ, number, 6);
      load(offsetof(seccomp_data, args) + 8);
      skip_unless(BPF_JEQ, FICLONE, 1);
      answer(SECCOMP_RET_TRACE);
      skip_unless(BPF_JEQ, FS_IOC_SETFLAGS, 1);
      answer(SECCOMP_RET_TRACE);
      answer(SECCOMP_RET_ALLOW);
    } else {
      skip_unless(BPF_JEQ, number, 1);
      answer(SECCOMP_RET_TRACE);
    }
  }
  answer(SECCOMP_RET_ALLOW);
}

bool CallFilter::install() const {
  const sock_fprog program{static_cast<unsigned short>(program_.size()),
                           const_cast<sock_filter*>(program_.data())};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace kongfleet::crash
